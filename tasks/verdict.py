"""`verdict`: labels against the voters' majority; kept, or dropped with reasons."""

from __future__ import annotations

from collections.abc import Iterator

from filters.verdict import decide
from mercap.outcome import Outcome, attempt
from mercap.records import Labels, Screen, Verdict, Vote
from tasks.context import Context, Inputs, in_place
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _decide(context, spec)))


def _decide(context: Context, spec: CellSpec) -> Verdict:
    inputs = Inputs(context, spec)
    votes = [inputs.record(key, Vote) for key in spec.stage.upstream if key.startswith("vote:")]
    screen = inputs.record("screen", Screen)
    assert screen is not None
    labels = inputs.record("label", Labels)
    return decide(labels, [vote for vote in votes if vote is not None], screen, context.recipe.verdict)
