"""What a worker process can be asked to do: one table, name -> function of a validated request.

Every operation reads derived media and rebuilds it, by decoding the clip, where it is missing. Models are loaded on
first use and kept for the life of the process. Requests and replies are JSON: a parent that unpickled what a process
with a hostile file in its hands wrote would hand that file the run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from mercap import ballot
from mercap.backends import Detector, Transcriber, make_classifier, make_detector, make_transcriber
from mercap.errors import CellFailure, NothingToDo
from mercap.measures.clip import measure
from mercap.media import excerpt
from mercap.media.decode import decode
from mercap.media.derived import Derived, DerivedDamaged, discard_remains
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.media.probe import check_pixels, check_seconds, check_size
from mercap.media.sampling import Sample, Sampling, take_sample
from mercap.records import Container, Diarization, Emotion, Measures, Record, Sentiment, Span, Transcript, Vote
from mercap.roles import ClassifierVoter, FasterWhisper, LocalModel, Pictures, Pocketsphinx, Pyannote, Silero
from mercap.workers.guard import memory_limit

if TYPE_CHECKING:
    from mercap.backends.huggingface import HuggingFaceClassifier

Local = TypeVar("Local", bound=LocalModel)


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
    check_unchanged(media)
    with memory_limit(media.limits.memory_mb):
        decode(media.path, media.policy, media.limits, media.folder)
    return Derived(media.folder)


def check_unchanged(media: Media) -> None:
    """Raises CellFailure where the clip's file is not the one that was hashed."""
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


def diarize(media: Media, options: Silero | Pyannote) -> Diarization:
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


def show(media: Media, pictures: Pictures) -> excerpt.Excerpt:
    derived = derive(media)
    return excerpt.show(derived.frames(evenly(pictures.frames)), derived.container().duration_s, pictures)


def evenly(wanted: int) -> Callable[[int], list[int]]:
    """Which frames to decode where ``wanted`` of them, at even distances, are looked at."""
    return lambda count: excerpt.places(count, wanted)


def play(media: Media) -> excerpt.Excerpt:
    return excerpt.play(derive(media).audio(), media.policy.audio.sample_rate)


def sample(media: Media, sampling: Sampling) -> Sample:
    derived = derive(media)
    return take_sample(
        derived.frames(evenly(sampling.pictures)) if sampling.pictures else None,
        derived.audio() if sampling.windows else None,
        derived.container().duration_s,
        media.policy.audio.sample_rate,
        sampling,
    )


def classify(media: Media, options: ClassifierVoter, words: str | None) -> Vote:
    """A classifier's vote; labels that the recipe maps to nothing count for nothing."""
    found = _probabilities(media, options, words)
    kind = Emotion if set(options.classes.values()) <= set(Emotion) else Sentiment
    points = dict.fromkeys(map(str, kind), 0.0)
    for label, probability in found.items():
        if label in options.classes:
            points[str(options.classes[label])] += probability
    if not any(points.values()):
        raise CellFailure("backend", f"the classifier answers with {', '.join(found)}; classes maps none of them")
    return ballot.count(options.name, kind, points)


def _probabilities(media: Media, options: ClassifierVoter, words: str | None) -> dict[str, float]:
    classifier = _classifier(options.model_dump_json())
    if options.reads == "words":
        if not words:
            raise NothingToDo("no_words")
        return classifier.of_words(words)
    derived = derive(media)
    if options.reads == "voice":
        audio = derived.audio()
        if audio is None or not len(audio):
            raise NothingToDo("no_audio")
        return classifier.of_voice(audio, media.policy.audio.sample_rate)
    frames = derived.frames(evenly(options.pictures.frames))
    if not frames:
        raise NothingToDo("no_video")
    return classifier.of_face([excerpt.shown(frame.image, options.pictures) for frame in frames])


@functools.cache
def _classifier(options: str) -> HuggingFaceClassifier:
    return make_classifier(_from_cache(ClassifierVoter.model_validate_json(options)))


@functools.cache
def _detector(options: Silero | Pyannote) -> Detector:
    return make_detector(options if isinstance(options, Silero) else _from_cache(options))


@functools.cache
def _transcriber(options: Pocketsphinx | FasterWhisper) -> Transcriber:
    return make_transcriber(options if isinstance(options, Pocketsphinx) else _from_cache(options))


def _from_cache(options: Local) -> Local:
    """A worker has no network: whatever is to be fetched was fetched before it started."""
    return options.model_copy(update={"download": False})


OPERATIONS: dict[str, Callable[..., Record]] = {
    "ingest": ingest,
    "diarize": diarize,
    "transcribe": transcribe,
    "measure": measure_clip,
    "show": show,
    "play": play,
    "sample": sample,
    "classify": classify,
}
_ARGUMENTS: dict[str, TypeAdapter[Any]] = {
    "media": TypeAdapter(Media),
    "speech": TypeAdapter(list[Span]),
    "diarization": TypeAdapter(Diarization | None),
    "pictures": TypeAdapter(Pictures),
    "sampling": TypeAdapter(Sampling),
    "words": TypeAdapter(str | None),
}
_OPTIONS: dict[str, TypeAdapter[Any]] = {
    "diarize": TypeAdapter(Silero | Pyannote),
    "transcribe": TypeAdapter(Pocketsphinx | FasterWhisper),
    "classify": TypeAdapter(ClassifierVoter),
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
