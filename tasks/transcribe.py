"""`transcribe`: the supplied words where there are any, else a recogniser on the speech that was found."""

from __future__ import annotations

from typing import Any

from mercap.cues.questions import Messages, audio_messages
from mercap.cues.replies import read_transcript
from mercap.errors import NothingToDo
from mercap.media.excerpt import Excerpt
from mercap.media.subtitles import guess_language, parse_subtitle
from mercap.outcome import attempt
from mercap.records import Container, Diarization, Transcript
from mercap.roles import Asked, RoleOptions
from mercap.workers.pool import Request
from prompts import load_prompt
from tasks.answering import answer_role
from tasks.context import Context, Inputs, in_place, in_workers
from tasks.role import Outcomes, Role, Way, no_instrument
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Outcomes:
    supplied = [spec for spec in specs if spec.clip.subtitle is not None]
    yield from in_place(supplied, lambda spec: attempt(lambda: _supplied(context, spec)))
    heard = [spec for spec in specs if spec.clip.subtitle is None]
    # Without speech there is nothing to recognise, and no reason to wake a worker or to pay a model.
    spoken = {spec.cell_id for spec in heard if _is_spoken(context, spec)}
    silent = [spec for spec in heard if spec.cell_id not in spoken]
    yield from in_place(silent, lambda spec: attempt(lambda: _nothing(context, spec)))
    heard = [spec for spec in heard if spec.cell_id in spoken]
    yield from answer_role(context, heard, ROLE, context.recipe.transcribe, RECOGNISERS)


def _is_spoken(context: Context, spec: CellSpec) -> bool:
    """The double hears words in any sound: it plays a recogniser, not a detector."""
    if context.recipe.transcribe.backend == "scripted":
        return _diarization(context, spec) is not None
    return bool(_speech(context, spec))


def _supplied(context: Context, spec: CellSpec) -> Transcript:
    assert spec.clip.subtitle is not None
    container = Inputs(context, spec).record("ingest", Container)
    assert container is not None
    segments = parse_subtitle(spec.clip.subtitle, spec.clip.name, container.duration_s)
    if not any(segment.text for segment in segments):
        raise NothingToDo("no_words")
    text = " ".join(segment.text for segment in segments)
    return Transcript(segments=segments, language=guess_language(text), origin="supplied")


def _diarization(context: Context, spec: CellSpec) -> Diarization | None:
    return Inputs(context, spec).record("diarize", Diarization)


def _speech(context: Context, spec: CellSpec) -> list[dict[str, float]]:
    diarization = _diarization(context, spec)
    return [span.model_dump() for span in diarization.speech] if diarization else []


def _nothing(context: Context, spec: CellSpec) -> Transcript:
    raise NothingToDo("no_audio" if _diarization(context, spec) is None else "no_speech")


def _recognise(context: Context, specs: list[CellSpec], _role: Role, options: RoleOptions) -> Outcomes:
    values = options.model_dump(mode="json")

    def request(spec: CellSpec) -> Request:
        media = context.media(spec.clip).model_dump(mode="json")
        arguments = {"media": media, "options": values, "speech": _speech(context, spec)}
        return Request("transcribe", arguments, context.recipe.limits.work_seconds)

    return in_workers(context, specs, request)


def _values(context: Context, spec: CellSpec) -> dict[str, Any]:
    diarization = _diarization(context, spec)
    return {"speech": diarization and diarization.model_dump(mode="json")}


def _messages(_context: Context, _spec: CellSpec, options: Asked, excerpt: Excerpt | None) -> Messages:
    assert excerpt is not None
    return audio_messages(load_prompt(options.prompt).text, excerpt)


def _read(context: Context, spec: CellSpec, _options: Asked, text: str) -> Transcript:
    diarization = _diarization(context, spec)
    assert diarization is not None
    return read_transcript(text, diarization.duration_s)


ROLE = Role(no_instrument, _values, _messages, _read)
RECOGNISERS: dict[str, Way] = {"pocketsphinx": _recognise, "faster_whisper": _recognise}
