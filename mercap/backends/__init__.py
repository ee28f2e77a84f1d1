"""Back-ends by role: one table of what there is, and the factories that import one when it is asked for.

A back-end is one method. The table is what `mercap doctor` reads; heavy packages are imported by the factory's branch,
so asking for help never loads a model library.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mercap.errors import MissingExtra, UsageError
from mercap.recipe import Chat, FasterWhisper, Pocketsphinx, Recipe, Silero
from mercap.records import Diarization, Span, Transcript

if TYPE_CHECKING:
    from mercap.backends.faster_whisper import FasterWhisperTranscriber


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
        ("merge", "label"),
        ("aiohttp", "openai"),
        _CORE,
        "a language model behind an OpenAI-compatible endpoint",
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
    return [package for package in row.packages if importlib.util.find_spec(package) is None]


def _require(name: str) -> None:
    row = next(row for row in BACKENDS if row.name == name)
    if missing_packages(row):
        raise MissingExtra(name, row.enable)


def make_detector(options: Silero) -> Detector:
    _require("silero")
    from mercap.backends.silero import SileroDetector

    return SileroDetector(options.threshold, options.min_silence_ms, options.speech_pad_ms)


def make_transcriber(options: Pocketsphinx | FasterWhisper) -> Transcriber:
    if isinstance(options, FasterWhisper):
        return _faster_whisper(options)
    _require("pocketsphinx")
    from mercap.backends.pocketsphinx import PocketsphinxTranscriber

    return PocketsphinxTranscriber(options.language)


def _faster_whisper(options: FasterWhisper) -> FasterWhisperTranscriber:
    _require("faster_whisper")
    from mercap.backends.faster_whisper import FasterWhisperTranscriber

    return FasterWhisperTranscriber(
        options.model,
        device=options.device,
        compute_type=options.compute_type,
        language=options.language,
        beam_size=options.beam_size,
        revision=options.revision,
        cpu_threads=options.cpu_threads,
        download=options.download,
    )


def api_key(options: Chat) -> str | None:
    """The endpoint's key, from the environment. Raises UsageError where the variable is not set."""
    if options.api_key_env is None:
        return None
    key = os.environ.get(options.api_key_env, "").strip()
    if not key:
        raise UsageError(f"The key of {options.base_url} is missing: set the variable {options.api_key_env}.")
    return key


def check_backends(recipe: Recipe) -> None:
    """Refuse, before anything runs, what would fail on every clip. Raises MissingExtra or UsageError."""
    for role in (recipe.transcribe, recipe.diarize, recipe.describe_visual, recipe.merge, recipe.label):
        _require(role.backend)
        if isinstance(role, Chat):
            api_key(role)
    if isinstance(recipe.transcribe, FasterWhisper):
        _faster_whisper(recipe.transcribe).locate()
