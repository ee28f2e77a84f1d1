"""Writing files so that a reader sees all of one or none of it, whatever is killed and when.

A file gets a temporary name in its own folder, is flushed to the disk, takes its final name in one step, and then the
folder is flushed too (a rename without that can be lost with the power).
"""

from __future__ import annotations

import json
import os
import secrets
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

TEMPORARY = ".tmp-"  # no reader's pattern matches a name that begins with this


def fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, write: Callable[[Path], None], *, exclusive: bool = False) -> None:
    """Let ``write`` fill a temporary file, then give it the name ``path``.

    With ``exclusive`` an existing file is never replaced: FileExistsError.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if exclusive:
            os.link(temporary, path)
        else:
            temporary.replace(path)
        fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def nameless_file(owner: object) -> int:
    """Handle of a file that has no name: it goes with ``owner``, or with the process, however that ends."""
    with TemporaryFile(prefix="mercap-", buffering=0) as file:
        handle = os.dup(file.fileno())
    weakref.finalize(owner, os.close, handle)
    return handle


def write_at(handle: int, data: bytes, place: int) -> None:
    """All of ``data``, the first byte at ``place``. Raises OSError where the disk is full."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(handle, rest, place)
        rest, place = rest[written:], place + written


def write_json(path: Path, value: Any, *, exclusive: bool = False) -> None:
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_atomically(path, lambda temporary: _write_text(temporary, text), exclusive=exclusive)


def write_text(path: Path, parts: Iterable[str]) -> None:
    """A text file in UTF-8 of ``parts``, one after another.

    Half a surrogate pair, which JSON may hold and UTF-8 may not, is written as the escape that JSON has for it.
    """
    write_atomically(path, lambda temporary: _write_parts(temporary, parts))


def _write_parts(path: Path, parts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(parts)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
