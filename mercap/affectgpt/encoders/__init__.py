"""Frozen encoders: pictures or sound of a clip -> a few vectors. `ENCODERS` in table.py is the table of them.

`load_encoder` imports torch; importing this package loads nothing, for the command line shows its table.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mercap.errors import MissingExtra

if TYPE_CHECKING:
    from mercap.affectgpt.encoders.frozen import FrozenEncoder
    from mercap.affectgpt.encoders.options import EncoderOptions


def load_encoder(options: EncoderOptions) -> FrozenEncoder:
    """The encoder, loaded and ready. Raises UsageError where its model cannot be found or used, MissingExtra."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtra(options.kind, "uv pip install -e '.[train]'")
    from mercap.backends.torchaudio_repair import repair_torchaudio

    repair_torchaudio()
    encoder: FrozenEncoder = getattr(import_module(options.row.module), options.row.name)(options)
    return encoder
