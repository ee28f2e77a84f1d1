"""A run's folder belongs to one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mercap.affectgpt.training.distributed import World
from mercap.errors import UsageError

LOCK = ".lock"


@contextmanager
def owned(folder: Path, world: World) -> Iterator[None]:
    """Nobody else trains in ``folder`` in here; the lock goes with the process. Raises UsageError."""
    if not world.first:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another process is training in {folder}: wait for it, or take another folder.") from None
        yield
