"""Digests: the identity that everything rests on (ARCHITECTURE.md, "Cells").

A cell id is a function of the stage, its own config and the ids of exactly the inputs it reads, so every id of a
plan is known before anything runs, on any machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
CELL_ID_CHARS = 32  # hexadecimal digits
DIGEST_CHARS = 64  # of contents


def canonical_json(value: Any) -> str:
    """One spelling per value: sorted keys, no white space, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_text(text: str) -> str:
    """SHA-256 of UTF-8 text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_config(config: dict[str, Any]) -> str:
    """The digest of a stage's own config, 32 hexadecimal digits."""
    return digest_text(canonical_json(config))[:32]


def cell_id(stage_key: str, config_digest: str, inputs: Sequence[str]) -> str:
    """The id of one cell, 32 hexadecimal digits.

    ``stage_key`` is the stage, or ``vote:<voter>``; ``inputs`` are raw digests or upstream cell ids in the
    order in which the stage declares them. No element contains a line feed, so joining is unambiguous.
    """
    return hashlib.sha256("\n".join((stage_key, config_digest, *inputs)).encode()).hexdigest()[:CELL_ID_CHARS]


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits. Raises OSError."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def digest_folder(folder: Path) -> str:
    """Digest of a model folder: names and contents of its files, wherever it lies. Raises OSError."""
    entries = sorted(
        (path.relative_to(folder).as_posix(), digest_file(path)) for path in folder.rglob("*") if path.is_file()
    )
    return digest_text(canonical_json(entries))
