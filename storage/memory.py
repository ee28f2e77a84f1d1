"""Memory that was freed goes back to the system, so that what a run holds does not grow with what it once held."""

from __future__ import annotations

import pyarrow as pa


def give_back() -> None:
    """Free pieces between others that are still in use too. Takes a millisecond: for between stages, not cells."""
    pa.default_memory_pool().release_unused()
    pa.system_memory_pool().release_unused()  # of the C library: Python's and DuckDB's as well
