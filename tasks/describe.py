"""`describe_visual` and `describe_audio`: measures put into words, or a model's description of the media."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mercap.backends import scripted
from mercap.cues import audio, visual
from mercap.cues.observation import Language
from mercap.outcome import Answer, Outcome, attempt
from mercap.recipe import EmbeddedDescriber, Scripted
from mercap.records import Cue, Measures
from tasks.context import CellSpec, Context, Inputs, in_place


def run_visual(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _describe(context, spec, visual.describe)))


def run_audio(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    return in_place(specs, lambda spec: attempt(lambda: _describe(context, spec, audio.describe)))


def _describe(context: Context, spec: CellSpec, embedded: Callable[[Measures, Language], Cue]) -> Cue | Answer:
    measures = Inputs(context, spec).record("measure", Measures)
    assert measures is not None
    options = getattr(context.recipe, spec.stage.name)
    language: Language = options.language if isinstance(options, EmbeddedDescriber) else "en"
    cue = embedded(measures, language)  # also says when there is nothing to describe, whoever is to describe it
    if isinstance(options, Scripted):
        return scripted.ask(options, spec.stage.name, spec.clip.digest, {"measures": measures.model_dump(mode="json")})
    return cue
