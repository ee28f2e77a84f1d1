"""`merge`: words, face and voice become one narrative."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.backends import scripted
from mercap.cues.narrative import compose
from mercap.errors import NothingToDo
from mercap.outcome import Answer, Outcome, attempt
from mercap.recipe import Scripted
from mercap.records import Cue, Narrative, Transcript
from tasks.context import CellSpec, Context, Inputs, in_place


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _merge(context, spec)))


def _merge(context: Context, spec: CellSpec) -> Narrative | Answer:
    inputs = Inputs(context, spec)
    transcript = inputs.record("transcribe", Transcript)
    visual = inputs.record("describe_visual", Cue)
    audio = inputs.record("describe_audio", Cue)
    options = context.recipe.merge
    if not isinstance(options, Scripted):
        return compose(transcript, visual, audio)
    read = {"transcript": transcript, "visual": visual, "audio": audio}
    if not any(read.values()):
        raise NothingToDo("no_evidence")
    values = {name: record.model_dump(mode="json") if record else None for name, record in read.items()}
    return scripted.ask(options, "merge", spec.clip.digest, values)
