"""`screen`: the low-level rules over everything measured so far."""

from __future__ import annotations

from collections.abc import Iterator

from filters.screen import measure, screen
from mercap.outcome import Outcome, attempt
from mercap.records import Container, Cue, Diarization, Measures, Narrative, Screen, Transcript
from tasks.context import Context, Inputs, in_place
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _screen(context, spec)))


def _screen(context: Context, spec: CellSpec) -> Screen:
    inputs = Inputs(context, spec)
    values = measure(
        container=inputs.record("ingest", Container),
        transcript=inputs.record("transcribe", Transcript),
        diarization=inputs.record("diarize", Diarization),
        measures=inputs.record("measure", Measures),
        visual=inputs.record("describe_visual", Cue),
        audio=inputs.record("describe_audio", Cue),
        narrative=inputs.record("merge", Narrative),
    )
    return screen(values, context.recipe.screen.rules)
