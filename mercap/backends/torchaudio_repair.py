"""Makes torchaudio importable where its compiled part does not fit the installed torch.

The registry's torchaudio is built for CUDA. Beside a torch without CUDA its import ends in an OSError, and with it the
import of pyannote.audio and of every Auto class of transformers, which ask for torchaudio wherever it is installed.
Neither needs the compiled part: features and resampling are written in Python.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_COMPILED = "torchaudio._extension"


def repair_torchaudio() -> None:
    """Import torchaudio, without its compiled part where that cannot be loaded; nothing where it is not installed."""
    if importlib.util.find_spec("torchaudio") is None:
        return
    try:
        importlib.import_module("torchaudio")
    except OSError:
        sys.modules[_COMPILED] = _absent()
        importlib.import_module("torchaudio")


def _absent() -> ModuleType:
    """What torchaudio's own loader leaves behind when it was built without a compiled part."""
    module = ModuleType(_COMPILED)
    module.__dict__.update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=_needs_compiled_part
    )
    return module


def _needs_compiled_part(function: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{function.__name__} needs the compiled part of torchaudio, which does not fit this torch")

    return refuse
