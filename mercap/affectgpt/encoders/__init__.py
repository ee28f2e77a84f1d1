"""Frozen encoders: pictures or sound of a clip -> a few vectors. `ENCODERS` in options.py is the table of them.

`load_encoder` imports torch; the rest of this module does not.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import MissingExtra

if TYPE_CHECKING:
    from mercap.affectgpt.encoders.frozen import FrozenEncoder


def load_encoder(options: EncoderOptions) -> FrozenEncoder:
    """The encoder, loaded and ready. Raises UsageError where its model cannot be found or used, MissingExtra."""
    if lacking := next((name for name in ("torch", "transformers") if find_spec(name) is None), None):
        raise MissingExtra(f"encoder {options.kind} (it needs {lacking})", "uv pip install -e '.[train]'")
    repair_torchaudio()
    encoder: FrozenEncoder = getattr(import_module(options.row.module), options.row.name)(options)
    return encoder
