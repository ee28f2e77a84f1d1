"""`merge`: words, face and voice become one narrative."""

from __future__ import annotations

from typing import Any, NamedTuple

from mercap.cues.narrative import compose
from mercap.cues.questions import Messages, merge_messages
from mercap.cues.replies import read_narrative, suspicious
from mercap.errors import NothingToDo
from mercap.media.excerpt import Excerpt
from mercap.records import Cue, Narrative, Transcript
from mercap.roles import Asked
from prompts import load_prompt
from tasks.answering import answer_role
from tasks.context import Context, Inputs
from tasks.role import Outcomes, Role
from tasks.spec import CellSpec


class Evidence(NamedTuple):
    """What there is to merge; each may be missing."""

    transcript: Transcript | None
    visual: Cue | None
    audio: Cue | None

    @property
    def suspect(self) -> bool:
        """Words can be written for the annotator, and so can what is held into the picture."""
        return suspicious(*(piece.text if piece else None for piece in self))


def run(context: Context, specs: list[CellSpec]) -> Outcomes:
    return answer_role(context, specs, ROLE, context.recipe.merge)


def _embedded(context: Context, spec: CellSpec) -> Narrative:
    return compose(*_evidence(context, spec))


def _values(context: Context, spec: CellSpec) -> dict[str, Any]:
    read = _some(_evidence(context, spec))._asdict()
    return {name: record and record.model_dump(mode="json") for name, record in read.items()}


def _messages(context: Context, spec: CellSpec, options: Asked, _excerpt: Excerpt | None) -> Messages:
    return merge_messages(load_prompt(options.prompt).text, *_some(_evidence(context, spec)))


def _read(context: Context, spec: CellSpec, options: Asked, text: str) -> Narrative:
    suspect = _evidence(context, spec).suspect
    return read_narrative(text, options.question, options.language, injection_suspect=suspect)


ROLE = Role(_embedded, _values, _messages, _read)


def _evidence(context: Context, spec: CellSpec) -> Evidence:
    inputs = Inputs(context, spec)
    return Evidence(
        inputs.record("transcribe", Transcript),
        inputs.record("describe_visual", Cue),
        inputs.record("describe_audio", Cue),
    )


def _some(evidence: Evidence) -> Evidence:
    """The evidence, if there is any. Raises NothingToDo."""
    if not any(evidence):
        raise NothingToDo("no_evidence")
    return evidence
