"""A NumPy archive (.npz) from somebody else, opened under limits: its zip, its array headers, its arrays.

Sizes are counted while reading and never taken from a header. Only arrays of text and of objects are read, with at most
one dimension; objects go through `pickled`, which runs nothing. Every fault is one UsageError naming file and member.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from mercap.errors import UsageError
from mercap.unibench.pickled import read_pickle
from mercap.unibench.symbols import Array, NotData, texts

MAX_BYTES = 256 << 20  # of the file, and of all members read from it, after decompression
MAX_MEMBERS = 64
MAX_ITEMS = 1_000_000  # of an array
_CHUNK_BYTES = 1 << 16
_HEADER_MAX_CHARS = (
    1000  # NumPy writes about 100; it reads them with ast.literal_eval, which is safe for short texts only
)
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; the others can decompress without a bound
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
# What the zip module raises for files that are damaged, besides its own exception.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError, OverflowError)


class Archive:
    """An open archive; ``members`` are the names of its arrays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left_bytes = MAX_BYTES
        data = _file_bytes(path)
        # The zip module makes an object per entry of the directory before one can ask how many there are.
        if data.count(_DIRECTORY_ENTRY) > MAX_MEMBERS:
            raise UsageError(f"{path} has more than {MAX_MEMBERS} members; a result or label archive has a few.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGE:
            raise UsageError(f"{path} is not an .npz archive, or it is damaged.") from None
        self.members = [info.filename.removesuffix(".npy") for info in self._zip.infolist()]

    def listing(self) -> str:
        """The first members, for a message."""
        shown = ", ".join(ascii(name[:40]) for name in self.members[:8])
        return f"{shown}, ..." if len(self.members) > 8 else shown or "nothing"

    def items(self, member: str) -> list[Any]:
        """The items of one array, as plain Python values; one item for an array without dimensions."""
        try:
            return _items(self._bytes(member))
        except NotData as fault:
            raise UsageError(f"{self.path}: {member} holds {fault}; nothing of it was run.") from None

    def dictionary(self, member: str) -> dict[str, Any]:
        """The one dictionary an array holds."""
        items = self.items(member)
        if len(items) != 1 or not isinstance(items[0], dict):
            raise UsageError(f"{self.path}: {member} is not one dictionary of clip names.")
        return items[0]

    def _bytes(self, member: str) -> bytes:
        infos = [info for info in self._zip.infolist() if info.filename.removesuffix(".npy") == member]
        if len(infos) != 1 or infos[0].compress_type not in _METHODS or infos[0].flag_bits & _ENCRYPTED:
            raise UsageError(f"{self.path}: {member} is there twice, encrypted, or packed in a way NumPy does not.")
        parts = []
        try:
            with self._zip.open(infos[0]) as file:
                while part := file.read(_CHUNK_BYTES):
                    self.left_bytes -= len(part)
                    if self.left_bytes < 0:
                        raise UsageError(f"{self.path}: {member} holds more than {MAX_BYTES >> 20} MiB.")
                    parts.append(part)
        except _DAMAGE:
            raise UsageError(f"{self.path}: {member} is damaged.") from None
        return b"".join(parts)


def _file_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES >> 20} MiB.")
    return data


def _items(data: bytes) -> list[Any]:
    """The items of a .npy file. Raises NotData."""
    shape, dtype, start = _header(data)
    count = math.prod(shape)
    if len(shape) > 1 or not 0 <= count <= MAX_ITEMS:
        raise NotData(f"an array of shape {str(shape)[:60]}, not a list of at most {MAX_ITEMS:,} items")
    if dtype == np.dtype(object):
        found = read_pickle(data[start:])
        if not isinstance(found, Array) or found.items is None or len(found.items) != count:
            raise NotData("a pickle that is not the array its header tells of")
        return found.items
    if dtype.kind != "U" or not dtype.itemsize:
        raise NotData(f"an array of {str(dtype)[:60]}, not of texts or objects")
    if len(data) - start != count * dtype.itemsize:
        raise NotData("a damaged array")
    try:
        return list(texts(data[start:], dtype))
    except UnicodeDecodeError:
        raise NotData("a damaged text") from None


def _header(data: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, dtype and where the items begin."""
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings(action="ignore"):  # NumPy warns of headers it had to mend
            version = np.lib.format.read_magic(stream)
            shape, _, dtype = _HEADERS[version](stream, max_header_size=_HEADER_MAX_CHARS)
    except Exception:  # tokenizer, parser and dtype each raise their own for a header that is garbled
        raise NotData("no NumPy array, or one whose header is damaged") from None
    return shape, dtype, stream.tell()
