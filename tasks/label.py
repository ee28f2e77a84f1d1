"""`label`: open-vocabulary labels and sentiment, each with the span of the narrative it came from."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.backends import scripted
from mercap.cues.labels import extract
from mercap.errors import NothingToDo
from mercap.outcome import Answer, Outcome, attempt
from mercap.recipe import Scripted
from mercap.records import Labels, Narrative
from tasks.context import CellSpec, Context, Inputs, in_place


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _label(context, spec)))


def _label(context: Context, spec: CellSpec) -> Labels | Answer:
    narrative = Inputs(context, spec).record("merge", Narrative)
    if narrative is None:
        raise NothingToDo("no_evidence")
    options = context.recipe.label
    if isinstance(options, Scripted):
        return scripted.ask(options, "label", spec.clip.digest, {"narrative": narrative.text})
    return extract(narrative)
