"""Archives for tests, as NumPy writes them and as an attacker would."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

PROTOCOLS = (2, 3, 4, 5)


def boxed(value: Any) -> np.ndarray[Any, Any]:
    """An array without dimensions that holds one object."""
    array = np.empty((), dtype=object)
    array[()] = value
    return array


def member(value: Any, protocol: int = 4) -> bytes:
    """A .npy file of one object, pickled under a protocol of our choice."""
    return header(dtype="|O") + pickle.dumps(boxed(value), protocol=protocol)


def header(dtype: str, shape: str = "()") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def program(instructions: bytes) -> bytes:
    """A .npy file whose pickle runs ``instructions`` where the one item of the array would be."""
    whole = pickle.dumps(boxed("item"), protocol=3)
    before, _, after = whole.partition(b"X\x04\x00\x00\x00item")
    after = after[2:] if after[:1] == b"q" else after
    return header(dtype="|O") + before + instructions + after


def text(value: str) -> bytes:
    """The instruction that pushes a text."""
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def packed(path: Path, method: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def saved(path: Path, **arrays: Any) -> Path:
    """As NumPy itself saves it."""
    np.savez_compressed(path, **arrays)
    return path


def as_bytes(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
