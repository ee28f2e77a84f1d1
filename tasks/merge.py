"""`merge`: words, face and voice become one narrative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mercap.backends import scripted
from mercap.cues.injection import reads_like_instruction
from mercap.cues.narrative import compose
from mercap.cues.questions import merge_messages
from mercap.cues.replies import read_narrative
from mercap.errors import NothingToDo
from mercap.outcome import Answer, Outcome, attempt
from mercap.recipe import Chat, Scripted
from mercap.records import Cue, Narrative, Transcript
from prompts import load_prompt
from tasks.asking import ask
from tasks.context import CellSpec, Context, Inputs, in_place


class Evidence(NamedTuple):
    """What there is to merge; each may be missing."""

    transcript: Transcript | None
    visual: Cue | None
    audio: Cue | None

    @property
    def suspect(self) -> bool:
        return self.transcript is not None and reads_like_instruction(self.transcript.text)


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    options = context.recipe.merge
    if not isinstance(options, Chat):
        return in_place(specs, lambda spec: attempt(lambda: _merge(context, spec)))
    prompt = load_prompt(options.prompt)
    language = prompt.name.rpartition(".")[2]
    return ask(
        context,
        specs,
        options,
        lambda spec: merge_messages(prompt.text, *_some(_evidence(context, spec))),
        lambda text, spec: read_narrative(text, language, injection_suspect=_evidence(context, spec).suspect),
    )


def _merge(context: Context, spec: CellSpec) -> Narrative | Answer:
    read = _evidence(context, spec)
    options = context.recipe.merge
    if not isinstance(options, Scripted):
        return compose(*read)
    values = {name: record and record.model_dump(mode="json") for name, record in _some(read)._asdict().items()}
    return scripted.ask(options, "merge", spec.clip.digest, values)


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
