"""`label`: open-vocabulary labels and sentiment, each with the span of the narrative it came from."""

from __future__ import annotations

from typing import Any

from mercap.cues.labels import extract
from mercap.cues.questions import Messages, label_messages
from mercap.cues.replies import read_labels
from mercap.errors import NothingToDo
from mercap.media.excerpt import Excerpt
from mercap.records import Labels, Narrative
from mercap.roles import Asked
from prompts import load_prompt
from tasks.answering import answer_role
from tasks.context import Context, Inputs
from tasks.role import Outcomes, Role
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Outcomes:
    return answer_role(context, specs, ROLE, context.recipe.label)


def _embedded(context: Context, spec: CellSpec) -> Labels:
    return extract(_narrative(context, spec))


def _values(context: Context, spec: CellSpec) -> dict[str, Any]:
    return {"narrative": _narrative(context, spec).text}


def _messages(context: Context, spec: CellSpec, options: Asked, _excerpt: Excerpt | None) -> Messages:
    return label_messages(load_prompt(options.prompt).text, _narrative(context, spec))


def _read(context: Context, spec: CellSpec, _options: Asked, text: str) -> Labels:
    return read_labels(text, _narrative(context, spec))


ROLE = Role(_embedded, _values, _messages, _read)


def _narrative(context: Context, spec: CellSpec) -> Narrative:
    narrative = Inputs(context, spec).record("merge", Narrative)
    if narrative is None:
        raise NothingToDo("no_evidence")
    return narrative
