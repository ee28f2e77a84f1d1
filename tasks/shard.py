"""One shard: take what is still missing, run the stage's step over it, commit cells as they come.

A part is committed once it holds `PART_ROWS` cells and `PART_SECONDS` of work, and at the latest after `FLUSH_SECONDS`,
so a kill costs little work and stages that cost nothing do not fill the store with small files. A cell that was
committed is never computed again. The shard looks once more for cells that somebody else has finished meanwhile.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mercap.outcome import Outcome
from storage.schema import CellRow
from tasks import STEPS
from tasks.context import CellSpec, Context, Inputs

PART_ROWS = 64
PART_SECONDS = 1.0
FLUSH_SECONDS = 20.0


class ShardSummary(NamedTuple):
    """What a shard came to, small enough to travel."""

    stage_key: str
    number: int
    computed: int


class Interrupted(Exception):
    """The run was asked to stop; what was committed stays."""


def run_shard(context: Context, number: int, specs: list[CellSpec]) -> ShardSummary:
    """Compute and commit one shard. Raises Interrupted between cells once ``context.stop`` is set."""
    stage = specs[0].stage
    index = context.index(stage.key)
    index.refresh()
    todo = [spec for spec in specs if not index.is_done(spec.cell_id)]
    writer = _Writer(context, stage.name, number)
    try:
        for spec, outcome in STEPS[stage.name](context, todo):
            writer.add(spec, outcome)
            context.cell_done(stage.key)
            if context.stop.is_set():
                raise Interrupted
    finally:
        writer.flush()
    return ShardSummary(stage.key, number, writer.written)


class _Writer:
    """Collects rows and commits them in parts."""

    def __init__(self, context: Context, stage: str, shard: int) -> None:
        self.written = 0
        self._context = context
        self._stage = stage
        self._shard = shard
        self._rows: list[CellRow] = []
        self._flushed = time.monotonic()

    def add(self, spec: CellSpec, outcome: Outcome) -> None:
        self._rows.append(_row(self._context, self._shard, spec, outcome))
        waited = time.monotonic() - self._flushed
        if waited > FLUSH_SECONDS or (len(self._rows) >= PART_ROWS and waited > PART_SECONDS):
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._context.store.write_part(self._stage, self._context.run_id, self._shard, self._rows)
            self.written += len(self._rows)
            self._rows.clear()
        self._flushed = time.monotonic()


def _row(context: Context, shard: int, spec: CellSpec, outcome: Outcome) -> CellRow:
    return CellRow(
        cell_id=spec.cell_id,
        clip=spec.clip.digest,
        stage=spec.stage.name,
        voter=spec.stage.voter,
        status=outcome.status,
        config=spec.stage.config_digest,
        inputs=list(spec.inputs),
        input_rows=Inputs(context, spec).rows(),
        payload=outcome.payload,
        raw=outcome.raw,
        usage=json.dumps(outcome.usage._asdict()) if outcome.usage else None,
        cause=outcome.cause,
        message=outcome.message,
        retryable=outcome.retryable,
        attempts=1 + context.index(spec.stage.key).attempts(spec.cell_id),
        run_id=context.run_id,
        shard=shard,
        worker=context.worker,
        started_at=datetime.now(UTC) - timedelta(seconds=outcome.seconds),
        seconds=outcome.seconds,
    )
