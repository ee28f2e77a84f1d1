"""What a stage computed becomes parts of the store, whichever shards and threads it came from.

A part is committed once it holds `PART_ROWS` cells and `PART_SECONDS` of work, at the latest after `FLUSH_SECONDS` or
with `PART_ROWS_AT_MOST` cells, and when the stage ends, however it ends. So a kill costs little work, and stages that
cost nothing do not fill the store with small files: a part of a few hundred rows takes longer to write than to compute.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mercap.outcome import Outcome
from mercap.stages import Stage
from storage.cells import CellIndex
from storage.schema import CellRow
from storage.store import Store
from tasks.spec import CellSpec

PART_ROWS = 64
PART_ROWS_AT_MOST = 2048
PART_SECONDS = 1.0
FLUSH_SECONDS = 20.0


class _Computed(NamedTuple):
    shard: int
    spec: CellSpec
    outcome: Outcome
    started_at: datetime


class PartWriter:
    """Collects the cells of one stage and commits them. Threads may share one."""

    def __init__(self, store: Store, cells: CellIndex, stage_key: str, run_id: str, worker: str) -> None:
        self._store = store
        self._cells = cells
        self._key = stage_key
        self._run_id = run_id
        self._worker = worker
        self._waiting: list[_Computed] = []
        self._committed = time.monotonic()
        self._adding = threading.Lock()

    def add(self, shard: int, spec: CellSpec, outcome: Outcome) -> None:
        """Raises OSError where a part is due and cannot be written."""
        started_at = datetime.now(UTC) - timedelta(seconds=outcome.seconds)
        with self._adding:
            self._waiting.append(_Computed(shard, spec, outcome, started_at))
            due = self._take() if self._is_due() else []
        self._commit(due)

    def flush(self) -> None:
        """Commit what is waiting."""
        with self._adding:
            due = self._take()
        self._commit(due)

    def _is_due(self) -> bool:
        waited, count = time.monotonic() - self._committed, len(self._waiting)
        return count >= PART_ROWS_AT_MOST or waited > FLUSH_SECONDS or (count >= PART_ROWS and waited > PART_SECONDS)

    def _take(self) -> list[_Computed]:
        due, self._waiting = self._waiting, []
        self._committed = time.monotonic()
        return due

    def _commit(self, computed: list[_Computed]) -> None:
        if computed:
            # Words that were supplied make `transcribe` another stage, with other inputs.
            stages = {one.spec.stage.config_digest: one.spec.stage for one in computed}
            rows = [row for stage in stages.values() for row in self._rows(stage, computed)]
            self._store.write_part(rows[0].stage, self._run_id, computed[0].shard, rows)

    def _rows(self, stage: Stage, computed: list[_Computed]) -> Iterator[CellRow]:
        its = [one for one in computed if one.spec.stage.config_digest == stage.config_digest]
        places = [one.spec.place for one in its]
        read = zip(*(self._input_rows(name, places) for name in stage.upstream), strict=True)
        input_rows = read if stage.upstream else itertools.repeat(())
        name, voter, config = stage.name, stage.voter, stage.config_digest
        for one, attempts, rows_read in zip(its, self._cells.attempts(self._key, places), input_rows, strict=False):
            shard, spec, outcome, started_at = one
            yield CellRow(
                spec.cell_id,
                spec.clip.digest,
                name,
                voter,
                outcome.status,
                config,
                spec.inputs,
                rows_read,
                outcome.payload,
                outcome.raw,
                json.dumps(outcome.usage._asdict()) if outcome.usage else None,
                outcome.cause,
                outcome.message,
                outcome.retryable,
                1 + attempts,
                self._run_id,
                shard,
                self._worker,
                started_at,
                outcome.seconds,
            )

    def _input_rows(self, name: str, places: list[int]) -> list[str]:
        """Row ids of what the cells read, for their provenance."""
        rows = [row for row in self._cells.row_ids(name, places) if row is not None]
        assert len(rows) == len(places), f"{self._key} was started before {name} was done"
        return rows
