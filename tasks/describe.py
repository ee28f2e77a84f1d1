"""`describe_visual` and `describe_audio`: measures put into words, or a model's description of the media."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mercap.cues import audio, visual
from mercap.cues.observation import Language
from mercap.cues.questions import Messages, audio_messages, frames_messages, video_messages
from mercap.cues.replies import read_cue
from mercap.media.excerpt import Excerpt
from mercap.records import Cue, Measures
from mercap.roles import Asked, EmbeddedDescriber
from prompts import load_prompt
from tasks.answering import answer_role
from tasks.context import Context, Inputs
from tasks.materials import check_file
from tasks.role import Outcomes, Role
from tasks.spec import CellSpec


def run_visual(context: Context, specs: list[CellSpec]) -> Outcomes:
    return answer_role(context, specs, VISUAL, context.recipe.describe_visual)


def run_audio(context: Context, specs: list[CellSpec]) -> Outcomes:
    return answer_role(context, specs, AUDIO, context.recipe.describe_audio)


def _measures(context: Context, spec: CellSpec) -> Measures:
    measures = Inputs(context, spec).record("measure", Measures)
    assert measures is not None
    return measures


def _put_into_words(describe: Callable[[Measures, Language], Cue]) -> Callable[[Context, CellSpec], Cue]:
    def embedded(context: Context, spec: CellSpec) -> Cue:
        options = getattr(context.recipe, spec.stage.name)
        language: Language = options.language if isinstance(options, EmbeddedDescriber) else "en"
        return describe(_measures(context, spec), language)

    return embedded


def _measured(describe: Callable[[Measures, Language], Cue]) -> Callable[[Context, CellSpec], dict[str, Any]]:
    """What the double is given; it finds nothing where our own instrument finds nothing."""

    def values(context: Context, spec: CellSpec) -> dict[str, Any]:
        measures = _measures(context, spec)
        describe(measures, "en")
        return {"measures": measures.model_dump(mode="json")}

    return values


def _shown(context: Context, spec: CellSpec, options: Asked, excerpt: Excerpt | None) -> Messages:
    prompt = load_prompt(options.prompt).text
    if excerpt is not None:
        return frames_messages(prompt, excerpt)
    check_file(context, spec)
    return video_messages(prompt, spec.clip.path)


def _played(_context: Context, _spec: CellSpec, options: Asked, excerpt: Excerpt | None) -> Messages:
    assert excerpt is not None
    return audio_messages(load_prompt(options.prompt).text, excerpt)


def _reads(modality: str) -> Callable[[Context, CellSpec, Asked, str], Cue]:
    return lambda _context, _spec, options, text: read_cue(text, modality, options.language)


VISUAL = Role(_put_into_words(visual.describe), _measured(visual.describe), _shown, _reads("visual"))
AUDIO = Role(_put_into_words(audio.describe), _measured(audio.describe), _played, _reads("audio"))
