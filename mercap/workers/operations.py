"""What a worker process can be asked to do: one table, name -> function of a validated request.

Every operation reads derived media and rebuilds it, by decoding the clip, where it is missing. Models are loaded on
first use and kept for the life of the process. Requests and replies are JSON: a parent that unpickled what a process
with a hostile file in its hands wrote would hand that file the run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from mercap.backends import make_detector, make_transcriber
from mercap.errors import CellFailure, NothingToDo
from mercap.measures.clip import measure
from mercap.media.decode import decode
from mercap.media.derived import Derived, DerivedDamaged, discard_remains
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.media.probe import check_pixels, check_seconds, check_size
from mercap.recipe import FasterWhisper, Pocketsphinx, Silero
from mercap.records import Container, Diarization, Measures, Record, Span, Transcript
from mercap.workers.guard import memory_limit


class Media(BaseModel):
    """Where a clip's bytes are, what they were when they were hashed, and where its derived media belongs."""

    model_config = ConfigDict(frozen=True)

    path: Path
    size: int
    mtime_ns: int
    folder: Path
    policy: MediaPolicy
    limits: MediaLimits


def derive(media: Media) -> Derived:
    """The clip's derived media, decoded now if need be. Raises CellFailure."""
    derived = Derived(media.folder)
    if derived.exists:
        return derived
    discard_remains(media.folder)
    _check_unchanged(media)
    with memory_limit(media.limits.memory_mb):
        decode(media.path, media.policy, media.limits, media.folder)
    return Derived(media.folder)


def _check_unchanged(media: Media) -> None:
    try:
        found = media.path.stat()
    except OSError:
        raise CellFailure("missing_file", f"{media.path.name} is gone since the run began", retryable=True) from None
    if (found.st_size, found.st_mtime_ns) != (media.size, media.mtime_ns):
        raise CellFailure("unreadable_file", f"{media.path.name} changed since the run began", retryable=True)


def ingest(media: Media) -> Container:
    """Derived media may be older than the limits, so its facts are held to them once more."""
    container = derive(media).container()
    check_seconds(container.duration_s, media.limits)
    check_size(container.size_bytes, media.limits)
    if container.video is not None:
        check_pixels(container.video.width, container.video.height, media.limits)
    return container


def diarize(media: Media, options: Silero) -> Diarization:
    audio = derive(media).audio()
    if audio is None:
        raise NothingToDo("no_audio")
    return _detector(options).diarize(audio, media.policy.audio.sample_rate)


def transcribe(media: Media, options: Pocketsphinx | FasterWhisper, speech: list[Span]) -> Transcript:
    audio = derive(media).audio()
    if audio is None:
        raise NothingToDo("no_audio")
    return _transcriber(options).transcribe(audio, media.policy.audio.sample_rate, speech)


def measure_clip(media: Media, diarization: Diarization | None) -> Measures:
    derived = derive(media)
    return measure(derived.frames(), derived.audio(), media.policy.audio.sample_rate, diarization)


_detector = functools.cache(make_detector)
_transcriber = functools.cache(make_transcriber)

OPERATIONS: dict[str, Callable[..., Record]] = {
    "ingest": ingest,
    "diarize": diarize,
    "transcribe": transcribe,
    "measure": measure_clip,
}
_ARGUMENTS: dict[str, TypeAdapter[Any]] = {
    "media": TypeAdapter(Media),
    "speech": TypeAdapter(list[Span]),
    "diarization": TypeAdapter(Diarization | None),
}
_OPTIONS: dict[str, TypeAdapter[Any]] = {
    "diarize": TypeAdapter(Silero),
    "transcribe": TypeAdapter(Pocketsphinx | FasterWhisper),
}


def perform(operation: str, arguments: dict[str, Any]) -> Record:
    """Validate the request and answer it; derived media found damaged is thrown away and made once more."""
    adapters = {**_ARGUMENTS, "options": _OPTIONS.get(operation, TypeAdapter(None))}
    values = {name: adapters[name].validate_python(value) for name, value in arguments.items()}
    try:
        return OPERATIONS[operation](**values)
    except DerivedDamaged:
        Derived(values["media"].folder).discard()
        return OPERATIONS[operation](**values)
