"""What a recipe says of a back-end: one class of options for each, and for each kind of material it is given.

``identity()`` is what changes the meaning of an answer and enters cell ids. Where a model is served, how fast it may be
asked, what it costs and which processor runs it change no answer; they are in ``not_identity``.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mercap.identity import canonical_json, digest_file, digest_folder, digest_text
from mercap.measures.norms import norms_digest
from mercap.records import Emotion, Sentiment
from prompts import load_prompt, prompt_names

Sense = Literal["words", "voice", "face"]
# What a request holds anyway.
SENT = frozenset(
    {
        *("model", "messages", "temperature", "seed", "stream", "response_format"),
        *("max_tokens", "max_completion_tokens"),
    }
)
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoleOptions(Options):
    """Options of one back-end in one role.

    ``material`` is what a model is handed beside text; ``reads_media`` and ``reads_measures`` say what a describer's
    cells hang on.
    """

    not_identity: ClassVar[frozenset[str]] = frozenset()
    material: ClassVar[Literal["text", "frames", "audio"]] = "text"
    reads_media: ClassVar[bool] = False
    reads_measures: ClassVar[bool] = True

    backend: str

    def identity(self) -> dict[str, Any]:
        """The options that change the meaning of an answer."""
        return self.model_dump(mode="json", exclude=set(self.not_identity))


# --- what comes in packages ----------------------------------------------------------------------------------
class Embedded(RoleOptions):
    """Our own measuring instrument for this role: CPU only, nothing to download."""

    backend: Literal["embedded"] = "embedded"


class EmbeddedDescriber(Embedded):
    """Measures put into words. What counts as high or loud is part of its meaning."""

    language: Literal["en", "zh"] = "en"

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "norms": norms_digest()}


class Silero(RoleOptions):
    """Silero VAD: speech or not. It cannot tell speakers apart."""

    backend: Literal["silero"] = "silero"
    threshold: float = Field(default=0.5, gt=0, lt=1)
    min_silence_ms: int = Field(default=300, ge=0)
    speech_pad_ms: int = Field(default=30, ge=0)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "model": _bundled_digest("faster_whisper", "assets/silero_vad_*.onnx")}


class Pocketsphinx(RoleOptions):
    """A small recogniser whose acoustic and language model come in its package."""

    backend: Literal["pocketsphinx"] = "pocketsphinx"
    language: Literal["en"] = "en"

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "model": _bundled_digest("pocketsphinx", "model/en-us/**/*")}


# --- models that run in a worker or in this process ------------------------------------------------------------
class LocalModel(RoleOptions):
    """A model by the path of its folder, or by name in the local Hugging Face cache or on the hub."""

    not_identity: ClassVar[frozenset[str]] = frozenset({"device", "download"})

    model: str = Field(min_length=1)
    revision: str | None = None
    device: str = "cpu"
    download: bool = False  # whether a name that is not in the cache may be fetched

    def identity(self) -> dict[str, Any]:
        """A model given by path is identified by its content, so the same files are the same model anywhere."""
        folder = Path(self.model).expanduser()
        if not folder.is_dir():
            return super().identity()
        return {**super().identity(), "model": _model_digest(folder.resolve()), "revision": None}


class FasterWhisper(LocalModel):
    """Whisper through CTranslate2."""

    not_identity: ClassVar[frozenset[str]] = LocalModel.not_identity | {"cpu_threads"}

    backend: Literal["faster_whisper"] = "faster_whisper"
    language: str | None = None  # None: the model decides
    compute_type: str = "int8"
    beam_size: int = Field(default=1, ge=1)
    batch_size: int = Field(default=1, ge=1, le=256)
    vad_filter: bool = False
    word_times: bool = False
    cpu_threads: int = Field(default=1, ge=1)


class Pyannote(LocalModel):
    """Speaker turns by a pyannote.audio pipeline. ``token_env`` names the variable that holds a hub token."""

    not_identity: ClassVar[frozenset[str]] = LocalModel.not_identity | {"token_env"}

    backend: Literal["pyannote"]
    token_env: str | None = Field(default=None, pattern=VARIABLE)
    min_speakers: int | None = Field(default=None, ge=1)
    max_speakers: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _least_is_not_above_most(self) -> Pyannote:
        if self.min_speakers and self.max_speakers and self.min_speakers > self.max_speakers:
            raise ValueError("min_speakers is above max_speakers")
        return self


# --- the double ------------------------------------------------------------------------------------------------
class Scripted(RoleOptions):
    """The deterministic double: replies are a function of prompt and inputs; calls are counted, faults are played.

    ``faults`` maps a clip digest's prefix to the cause to fail with. ``log`` is a file to which each call appends one
    line. Neither changes what an answer means.
    """

    not_identity: ClassVar[frozenset[str]] = frozenset({"log", "delay_s", "faults"})

    backend: Literal["scripted"] = "scripted"
    prompt: str = ""
    log: str | None = None
    delay_s: float = Field(default=0.0, ge=0)
    faults: dict[str, str] = {}

    @field_validator("prompt")
    @classmethod
    def _is_a_prompt(cls, name: str) -> str:
        return known_prompt(name) if name else name

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "prompt_digest": load_prompt(self.prompt).digest if self.prompt else None}


class ScriptedMedia(Scripted):
    """The double in a role whose real models read frames or audio."""

    reads_media: ClassVar[bool] = True


# --- models that are asked in words ------------------------------------------------------------------------------
class Asked(RoleOptions):
    """A generative model that is asked by a prompt: what it has in common wherever it runs."""

    model: str = Field(min_length=1)
    revision: str | None = None
    prompt: str
    temperature: float | Literal["default"] = 0.0  # "default": not sent, for models that refuse it
    seed: int | None = None
    max_tokens: int = Field(default=512, ge=16)
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # what the endpoint calls it
    json_schema: bool = True  # whether the model is held to a schema; without, replies are parsed as they come

    @field_validator("prompt")
    @classmethod
    def _is_a_prompt(cls, name: str) -> str:
        return known_prompt(name)

    @field_validator("temperature")
    @classmethod
    def _is_a_temperature(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and not 0 <= value <= 2:
            raise ValueError("a temperature is a number from 0 to 2, or default")
        return value

    @property
    def question(self) -> str:
        """What is asked, and in which version: the prompt's name without its language."""
        return self.prompt.rpartition(".")[0]

    @property
    def language(self) -> str:
        return self.prompt.rpartition(".")[2]

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "prompt_digest": load_prompt(self.prompt).digest}


class Chat(Asked):
    """A model behind an OpenAI-compatible endpoint.

    A key is never in a recipe: ``api_key_env`` names the environment variable that holds it. Prices are per million
    tokens, in the recipe's currency.
    """

    not_identity: ClassVar[frozenset[str]] = frozenset(
        {
            *("base_url", "api_key_env", "limit_name", "concurrency", "requests_per_minute", "tokens_per_minute"),
            *("timeout_s", "attempts", "price_per_mtok_in", "price_per_mtok_cached", "price_per_mtok_out"),
        }
    )

    backend: Literal["openai"]
    extra_body: dict[str, Any] = {}  # sent as it is, e.g. chat_template_kwargs
    base_url: str = Field(pattern=r"^https?://[^\s]+$")
    api_key_env: str | None = Field(default=None, pattern=VARIABLE)
    concurrency: int = Field(default=32, ge=1, le=1024)
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    timeout_s: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=6, ge=1, le=20)
    price_per_mtok_in: float | None = Field(default=None, ge=0)
    price_per_mtok_cached: float | None = Field(default=None, ge=0)  # None: as price_per_mtok_in
    price_per_mtok_out: float | None = Field(default=None, ge=0)

    @field_validator("extra_body")
    @classmethod
    def _leaves_ours_alone(cls, value: dict[str, Any]) -> dict[str, Any]:
        if ours := sorted(value.keys() & SENT):
            raise ValueError(f"{ours[0]} is sent by mercap itself")
        return value

    @model_validator(mode="after")
    def _both_prices_or_none(self) -> Chat:
        if (self.price_per_mtok_in is None) != (self.price_per_mtok_out is None):
            raise ValueError("price_per_mtok_in and price_per_mtok_out go together")
        return self

    def price(self, tokens_in: int, tokens_out: int, cached: int = 0) -> float | None:
        """What so many tokens cost; ``None`` where the recipe states no price."""
        if self.price_per_mtok_in is None or self.price_per_mtok_out is None:
            return None
        cached_price = self.price_per_mtok_in if self.price_per_mtok_cached is None else self.price_per_mtok_cached
        fresh = max(tokens_in - cached, 0)
        return (fresh * self.price_per_mtok_in + cached * cached_price + tokens_out * self.price_per_mtok_out) / 1e6


class Vllm(Asked):
    """A model run by vLLM inside this process, a whole batch at once: for workers that have a GPU to themselves."""

    not_identity: ClassVar[frozenset[str]] = frozenset(
        {"download", "gpu_memory_utilization", "tensor_parallel_size", "batch"}
    )

    backend: Literal["vllm"]
    dtype: str = "auto"
    max_model_len: int | None = Field(default=None, ge=256)
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    tensor_parallel_size: int = Field(default=1, ge=1)
    batch: int = Field(default=256, ge=1, le=4096)  # cells asked about at once
    download: bool = False

    def identity(self) -> dict[str, Any]:
        folder = Path(self.model).expanduser()
        found = super().identity()
        return {**found, "model": _model_digest(folder.resolve()), "revision": None} if folder.is_dir() else found


class Pictures(Options):
    """Which frames of a clip a model gets to see, at even distances, and how large.

    ``crop = "face"`` shows the largest face with what is around it; a frame without one is shown whole.
    ``send = "video"`` hands over the clip's own file instead, for servers that take ``video_url``.
    """

    frames: int = Field(default=8, ge=1, le=64)
    crop: Literal["frame", "face"] = "frame"
    height_max: int = Field(default=360, ge=32, le=1080)
    send: Literal["images", "video"] = "images"


class _Seeing(Asked):
    material: ClassVar[Literal["text", "frames", "audio"]] = "frames"
    reads_media: ClassVar[bool] = True
    reads_measures: ClassVar[bool] = False

    pictures: Pictures = Pictures()


class _Hearing(Asked):
    material: ClassVar[Literal["text", "frames", "audio"]] = "audio"
    reads_media: ClassVar[bool] = True
    reads_measures: ClassVar[bool] = False


class SeeingChat(Chat, _Seeing):
    """A model behind an endpoint that is shown frames."""


class HearingChat(Chat, _Hearing):
    """A model behind an endpoint that is played the audio."""


class SeeingVllm(Vllm, _Seeing):
    """A model in this process that is shown frames."""


class HearingVllm(Vllm, _Hearing):
    """A model in this process that is played the audio."""


# --- voters --------------------------------------------------------------------------------------------------
class EmbeddedVoter(Embedded):
    name: Sense

    @property
    def reads(self) -> Sense:
        return self.name


class _NamedVoter(Options):
    """``reads`` says what the voter is given: the transcript, the audio, or frames."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,32}$")
    reads: Sense


class ClassifierVoter(_NamedVoter, LocalModel):
    """A Hugging Face classifier. ``classes`` maps its labels to emotions, or to sentiments; others count as none."""

    backend: Literal["huggingface"]
    classes: dict[str, Emotion | Sentiment] = Field(min_length=1)
    pictures: Pictures = Pictures(crop="face")

    @model_validator(mode="after")
    def _one_kind(self) -> ClassifierVoter:
        words = set(self.classes.values())
        if not (words <= set(Emotion) or words <= set(Sentiment)):
            raise ValueError("classes maps every label to an emotion, or every label to a sentiment")
        return self


class ChatVoter(_NamedVoter, Chat):
    """A model behind an endpoint as voter: ``emotion`` prompts vote on both questions, ``sentiment`` ones on one."""

    pictures: Pictures = Pictures()


class VllmVoter(_NamedVoter, Vllm):
    """The same in this process."""

    pictures: Pictures = Pictures()


def known_prompt(name: str) -> str:
    if name not in prompt_names():
        raise ValueError(f"there is no prompt {name!r}; there are {', '.join(prompt_names())}")
    return name


@functools.cache
def _bundled_digest(package: str, pattern: str) -> str | None:
    """Digest of the model files that a package brings, found without importing it; None where it is not installed.

    So an upgrade of the package computes cells anew only if it brings another model.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    files = sorted(path for path in root.glob(pattern) if path.is_file())
    return digest_text(canonical_json([(path.relative_to(root).as_posix(), digest_file(path)) for path in files]))


@functools.cache
def _model_digest(folder: Path) -> str:
    return digest_folder(folder)
