"""Back-ends by role: one table of what there is, and the factories that import one when it is asked for.

A back-end is one method. The table is what `mercap doctor` reads; heavy packages are imported by the factory's branch,
so asking for help never loads a model library.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mercap.errors import MissingExtra, UsageError
from mercap.recipe import Recipe
from mercap.records import Diarization, Span, Transcript
from mercap.roles import (
    Chat,
    ClassifierVoter,
    FasterWhisper,
    Pocketsphinx,
    Pyannote,
    Silero,
    Vllm,
)

if TYPE_CHECKING:
    from mercap.backends.faster_whisper import FasterWhisperTranscriber
    from mercap.backends.huggingface import HuggingFaceClassifier
    from mercap.backends.pyannote import PyannoteDetector
    from mercap.backends.vllm import VllmEngine

# onnxruntime reports its use to its makers unless it is told not to before it is imported; some of the packages below
# import it. Whoever sets the variable has the last word.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


class Transcriber(Protocol):
    """Speech to text. ``audio`` is mono int16; ``speech`` says where speech was found."""

    def transcribe(self, audio: npt.NDArray[np.int16], sample_rate: int, speech: list[Span]) -> Transcript: ...


class Detector(Protocol):
    """Voice activity and speaker turns."""

    def diarize(self, audio: npt.NDArray[np.int16], sample_rate: int) -> Diarization: ...


class BackendRow(NamedTuple):
    """``packages`` must be importable; ``enable`` is the one command that makes them so."""

    name: str
    roles: tuple[str, ...]
    packages: tuple[str, ...]
    enable: str
    about: str


_CORE = "pip install -e ."
BACKENDS: tuple[BackendRow, ...] = (
    BackendRow("supplied", ("transcribe",), (), _CORE, "subtitles that come with the clips (SRT, VTT, text)"),
    BackendRow(
        "pocketsphinx", ("transcribe",), ("pocketsphinx",), _CORE, "small English recogniser, model in the package"
    ),
    BackendRow(
        "faster_whisper",
        ("transcribe",),
        ("faster_whisper", "ctranslate2"),
        _CORE,
        "Whisper; needs a model, by path or name",
    ),
    BackendRow(
        "silero", ("diarize",), ("faster_whisper", "onnxruntime"), _CORE, "voice activity, model in the package"
    ),
    BackendRow(
        "embedded",
        ("ingest", "measure", "describe_visual", "describe_audio", "merge", "label", "screen", "vote", "verdict"),
        ("cv2", "av"),
        _CORE,
        "our own measuring instruments",
    ),
    BackendRow(
        "openai",
        ("transcribe", "describe_visual", "describe_audio", "merge", "label", "vote"),
        ("aiohttp", "openai"),
        _CORE,
        "a model behind an OpenAI-compatible endpoint: text, frames or video, audio",
    ),
    BackendRow(
        "vllm",
        ("transcribe", "describe_visual", "describe_audio", "merge", "label", "vote"),
        ("vllm",),
        "pip install -e '.[vllm]'",
        "a model in this process, batched; an environment of its own (docs/vllm.md)",
    ),
    BackendRow(
        "pyannote",
        ("diarize",),
        ("pyannote.audio", "torch"),
        "pip install -e '.[diarize]'",
        "speech and speaker turns; needs a pipeline, by path or name",
    ),
    BackendRow(
        "huggingface",
        ("vote",),
        ("transformers", "torch"),
        "pip install -e '.[train]'",
        "classifiers of text, audio or images as voters, by path or name",
    ),
    BackendRow(
        "scripted",
        ("transcribe", "describe_visual", "describe_audio", "merge", "label"),
        (),
        _CORE,
        "the deterministic double, for tests and rehearsals",
    ),
)


def missing_packages(row: BackendRow) -> list[str]:
    return [package for package in row.packages if not _is_there(package)]


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # the package around it is not there
        return False


def _require(name: str) -> None:
    row = next(row for row in BACKENDS if row.name == name)
    if missing_packages(row):
        raise MissingExtra(name, row.enable)


def make_detector(options: Silero | Pyannote) -> Detector:
    _require(options.backend)
    if isinstance(options, Pyannote):
        return make_pyannote(options)
    from mercap.backends.silero import SileroDetector

    return SileroDetector(options.threshold, options.min_silence_ms, options.speech_pad_ms)


def make_transcriber(options: Pocketsphinx | FasterWhisper) -> Transcriber:
    _require(options.backend)
    if isinstance(options, FasterWhisper):
        return make_faster_whisper(options)
    from mercap.backends.pocketsphinx import PocketsphinxTranscriber

    return PocketsphinxTranscriber(options.language)


def make_faster_whisper(options: FasterWhisper) -> FasterWhisperTranscriber:
    from mercap.backends.faster_whisper import FasterWhisperTranscriber

    return FasterWhisperTranscriber(
        options.model,
        device=options.device,
        compute_type=options.compute_type,
        language=options.language,
        beam_size=options.beam_size,
        batch_size=options.batch_size,
        vad_filter=options.vad_filter,
        word_times=options.word_times,
        revision=options.revision,
        cpu_threads=options.cpu_threads,
        download=options.download,
    )


def make_pyannote(options: Pyannote) -> PyannoteDetector:
    from mercap.backends.pyannote import PyannoteDetector

    return PyannoteDetector(
        options.model,
        revision=options.revision,
        token=secret(options.token_env, f"hub token for {options.model}") if options.download else None,
        device=options.device,
        min_speakers=options.min_speakers,
        max_speakers=options.max_speakers,
        download=options.download,
    )


def make_classifier(options: ClassifierVoter) -> HuggingFaceClassifier:
    _require(options.backend)
    from mercap.backends.huggingface import HuggingFaceClassifier

    return HuggingFaceClassifier(
        options.model, options.reads, revision=options.revision, device=options.device, download=options.download
    )


def make_engine(options: Vllm) -> VllmEngine:
    _require(options.backend)
    from mercap.backends.vllm import VllmEngine

    return VllmEngine(
        options.model,
        revision=options.revision,
        dtype=options.dtype,
        max_model_len=options.max_model_len,
        gpu_memory_utilization=options.gpu_memory_utilization,
        tensor_parallel_size=options.tensor_parallel_size,
        download=options.download,
    )


def secret(variable: str | None, what: str) -> str | None:
    """A key or token from the environment. Raises UsageError where its variable is named and not set."""
    if variable is None:
        return None
    value = os.environ.get(variable, "").strip()
    if not value:
        raise UsageError(f"The {what} is missing: set the variable {variable}.")
    return value


def api_key(options: Chat) -> str | None:
    """The endpoint's key, from the environment. Raises UsageError where the variable is not set."""
    return secret(options.api_key_env, f"key of {options.base_url}")


def _check_classifier(options: ClassifierVoter) -> None:
    """Its files are there, and what the recipe maps are labels it has."""
    labels = make_classifier(options).labels
    if strange := sorted(options.classes.keys() - set(labels)):
        raise UsageError(
            f"classes of the voter {options.name!r} maps {strange[0]!r}, which is no label of {options.model}; "
            f"its labels are {', '.join(labels)}."
        )


# What must be there before anything runs, by back-end: a key, or the files of a model.
_CHECKS: dict[str, Callable[[Any], object]] = {
    "openai": api_key,
    "faster_whisper": lambda options: make_faster_whisper(options).locate(),
    "pyannote": lambda options: make_pyannote(options).locate(),
    "huggingface": _check_classifier,
    "vllm": lambda options: make_engine(options).locate(),
}


def check_backends(recipe: Recipe) -> None:
    """Refuse, before anything runs, what would fail on every clip. Raises MissingExtra or UsageError."""
    for role in recipe.roles.values():
        _require(role.backend)
        if role.backend in _CHECKS:
            _CHECKS[role.backend](role)
