"""Memory that was freed goes back to the system, so that what a run holds does not grow with what it once held."""

from __future__ import annotations

import pyarrow as pa


def keep_nothing() -> None:
    """For the whole process: pyarrow takes memory as everything else does. Its own pool keeps what was freed."""
    pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Freed pieces between others that are still in use; takes a millisecond, so between stages, not cells."""
    pa.system_memory_pool().release_unused()
