"""`label`: open-vocabulary labels and sentiment, each with the span of the narrative it came from."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.backends import scripted
from mercap.cues.labels import extract
from mercap.cues.questions import label_messages
from mercap.cues.replies import read_labels
from mercap.errors import NothingToDo
from mercap.outcome import Answer, Outcome, attempt
from mercap.recipe import Chat, Scripted
from mercap.records import Labels, Narrative
from prompts import load_prompt
from tasks.asking import ask
from tasks.context import CellSpec, Context, Inputs, in_place


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    options = context.recipe.label
    if not isinstance(options, Chat):
        return in_place(specs, lambda spec: attempt(lambda: _label(context, spec)))
    prompt = load_prompt(options.prompt).text
    return ask(
        context,
        specs,
        options,
        lambda spec: label_messages(prompt, _narrative(context, spec)),
        lambda text, spec: read_labels(text, _narrative(context, spec)),
    )


def _label(context: Context, spec: CellSpec) -> Labels | Answer:
    narrative = _narrative(context, spec)
    options = context.recipe.label
    if isinstance(options, Scripted):
        return scripted.ask(options, "label", spec.clip.digest, {"narrative": narrative.text})
    return extract(narrative)


def _narrative(context: Context, spec: CellSpec) -> Narrative:
    narrative = Inputs(context, spec).record("merge", Narrative)
    if narrative is None:
        raise NothingToDo("no_evidence")
    return narrative
