"""One shard: take what is still missing, run the stage's step over it, hand over cells as they come.

A cell that was committed is never computed again: the shard looks once more for cells that somebody else has finished
meanwhile.
"""

from __future__ import annotations

from typing import NamedTuple

from storage.cells import PENDING
from tasks import STEPS
from tasks.context import Context
from tasks.spec import CellSpec


class ShardSummary(NamedTuple):
    """What a shard came to, small enough to travel."""

    stage_key: str
    number: int
    computed: int


class Interrupted(Exception):
    """The run was asked to stop; what was computed stays."""


def run_shard(context: Context, number: int, specs: list[CellSpec]) -> ShardSummary:
    """Compute one shard; its cells are committed by the time its stage ends, or it fails.

    Raises Interrupted between cells once ``context.stop`` is set.
    """
    stage, computed = specs[0].stage, 0
    parts = context.parts
    try:
        for spec, outcome in STEPS[stage.name](context, _todo(context, specs)):
            parts.add(number, spec, outcome)
            computed += 1
            context.cell_done(stage.key)
            if context.stop.is_set():
                raise Interrupted  # noqa: TRY301 - what was computed is committed on this way out too
    except BaseException:
        parts.flush()
        raise
    return ShardSummary(stage.key, number, computed)


def _todo(context: Context, specs: list[CellSpec]) -> list[CellSpec]:
    key, first = specs[0].stage.key, specs[0].place
    context.cells.refresh(key)
    standing = context.cells.standing(key, first, specs[-1].place + 1)
    return [spec for spec in specs if standing[spec.place - first] == PENDING]
