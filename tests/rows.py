"""Rows of cells for storage tests, valid in every field that a test does not set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mercap.identity import cell_id, digest_config
from storage.runs import Current, current_table
from storage.schema import CellRow
from storage.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = {"version": 1}


def row(clip: str = "c1", *, at: float = 0.0, **changes: Any) -> CellRow:
    """An ``ok`` row of `merge` for ``clip``, started ``at`` seconds after a fixed moment."""
    inputs = changes.pop("inputs", [clip])
    moment = START + timedelta(seconds=at)
    config = digest_config(CONFIG)
    made = CellRow(
        cell_id=cell_id("merge", config, inputs), clip=clip, stage="merge", voter=None, status="ok", config=config,
        inputs=inputs, input_rows=[], payload='{"text":"t","language":"en"}', raw=None, usage=None, cause=None,
        message=None, retryable=False, attempts=1, run_id="r", shard=0, worker="w", started_at=moment, seconds=0.1,
    )  # fmt: skip
    return made._replace(**changes)


def commit(store: Store, rows: list[CellRow], stage: str = "merge") -> Path:
    """A part of ``rows``, committed when they were started."""
    return store.write_part(stage, "r", 0, rows, committed_at=rows[0].started_at)


def failed(clip: str = "c1", **changes: Any) -> CellRow:
    """A retryable failure of the same cell."""
    defaults = {"status": "quarantined", "payload": None, "cause": "backend", "message": "m", "retryable": True}
    return row(clip, **{**defaults, **changes})


def block_of(rows: Sequence[Current]) -> Any:
    """Rows of one stage as `write_current` takes them."""
    clips, keys, cells, statuses, row_ids = zip(*rows, strict=True)
    return current_table(keys[0], clips, cells, statuses, row_ids)
