"""`vote`: one voter's probabilities for one clip. Each voter reads what it declares and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from filters.voters import VOTERS
from mercap.outcome import Outcome, attempt
from mercap.records import PAYLOADS, Vote
from tasks.context import CellSpec, Context, Inputs, in_place


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _vote(context, spec)))


def _vote(context: Context, spec: CellSpec) -> Vote:
    assert spec.stage.voter is not None
    voter = VOTERS[spec.stage.voter]
    inputs = Inputs(context, spec)
    return voter.vote(*(inputs.record(stage, PAYLOADS[stage]) for stage in voter.reads))
