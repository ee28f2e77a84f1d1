"""`transcribe`: the supplied words where there are any, else a recogniser on the speech that was found."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.backends import scripted
from mercap.errors import NothingToDo
from mercap.media.subtitles import guess_language, parse_subtitle
from mercap.outcome import Answer, Outcome, attempt
from mercap.recipe import Scripted
from mercap.records import Container, Diarization, Transcript
from mercap.workers.pool import Request
from tasks.context import CellSpec, Context, Inputs, in_place, in_workers


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    supplied = [spec for spec in specs if spec.clip.subtitle is not None]
    yield from in_place(supplied, lambda spec: attempt(lambda: _supplied(context, spec)))
    heard = [spec for spec in specs if spec.clip.subtitle is None]
    options = context.recipe.transcribe
    if isinstance(options, Scripted):
        yield from in_place(heard, lambda spec: attempt(lambda: _scripted(context, options, spec)))
        return
    # Without speech there is nothing to recognise, and no reason to wake a worker.
    silent = [spec for spec in heard if not _speech(context, spec)]
    yield from in_place(silent, lambda spec: attempt(lambda: _nothing(context, spec)))
    values = options.model_dump(mode="json")

    def request(spec: CellSpec) -> Request:
        media = context.media(spec.clip).model_dump(mode="json")
        return Request(
            "transcribe",
            {"media": media, "options": values, "speech": _speech(context, spec)},
            context.recipe.limits.work_seconds,
        )

    yield from in_workers(context, [spec for spec in heard if _speech(context, spec)], request)


def _supplied(context: Context, spec: CellSpec) -> Transcript:
    assert spec.clip.subtitle is not None
    container = Inputs(context, spec).record("ingest", Container)
    assert container is not None
    segments = parse_subtitle(spec.clip.subtitle, spec.clip.name, container.duration_s)
    if not any(segment.text for segment in segments):
        raise NothingToDo("no_words")
    text = " ".join(segment.text for segment in segments)
    return Transcript(segments=segments, language=guess_language(text), origin="supplied")


def _speech(context: Context, spec: CellSpec) -> list[dict[str, float]]:
    diarization = Inputs(context, spec).record("diarize", Diarization)
    return [span.model_dump() for span in diarization.speech] if diarization else []


def _nothing(context: Context, spec: CellSpec) -> Transcript:
    raise NothingToDo("no_audio" if Inputs(context, spec).record("diarize", Diarization) is None else "no_speech")


def _scripted(context: Context, options: Scripted, spec: CellSpec) -> Answer:
    diarization = Inputs(context, spec).record("diarize", Diarization)
    if diarization is None:
        raise NothingToDo("no_audio")
    return scripted.ask(options, "transcribe", spec.clip.digest, {"speech": diarization.model_dump(mode="json")})
