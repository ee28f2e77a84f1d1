"""A recipe: everything one run does, as one validated TOML file.

Each role (`transcribe`, `diarize`, `describe_visual`, `describe_audio`, `merge`, `label`) names a back-end and its
options; `vote` is a list of voters; `screen.rules` and `verdict` are the filter. Whatever changes the meaning of an
answer enters the cell ids (``identity()``); what only changes where or how fast it is computed does not.
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mercap.errors import UsageError
from mercap.identity import canonical_json, digest_file, digest_folder, digest_text
from mercap.measures.norms import norms_digest
from mercap.media.policy import MediaLimits, MediaPolicy
from prompts import load_prompt, prompt_names

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
MEASURE_MAX_CHARS = 64


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoleOptions(Options):
    """Options of one back-end in one role."""

    not_identity: ClassVar[frozenset[str]] = frozenset()
    reads_media: ClassVar[bool] = False

    backend: str

    def identity(self) -> dict[str, Any]:
        """The options that change the meaning of an answer."""
        return self.model_dump(mode="json", exclude=set(self.not_identity))


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


class FasterWhisper(RoleOptions):
    """Whisper through CTranslate2. ``model`` is a folder, or a name in the local Hugging Face cache or on the hub."""

    not_identity: ClassVar[frozenset[str]] = frozenset({"device", "cpu_threads", "download"})

    backend: Literal["faster_whisper"] = "faster_whisper"
    model: str
    revision: str | None = None
    language: str | None = None
    compute_type: str = "int8"
    beam_size: int = Field(default=1, ge=1)
    device: str = "cpu"
    cpu_threads: int = Field(default=1, ge=1)
    download: bool = False  # whether a name that is not in the cache may be fetched

    def identity(self) -> dict[str, Any]:
        """A model given by path is identified by its content, so the same files are the same model anywhere."""
        folder = Path(self.model).expanduser()
        if not folder.is_dir():
            return super().identity()
        return {**super().identity(), "model": _model_digest(folder.resolve()), "revision": None}


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
        return _known_prompt(name) if name else name

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "prompt_digest": load_prompt(self.prompt).digest if self.prompt else None}


class ScriptedMedia(Scripted):
    """The double in a role whose real models read frames or audio."""

    reads_media: ClassVar[bool] = True


class Chat(RoleOptions):
    """A language model behind an OpenAI-compatible endpoint.

    Where it is served, its key and how fast it may be asked change no answer and are not part of its identity; the
    key itself is never in a recipe: ``api_key_env`` names the environment variable that holds it.
    """

    not_identity: ClassVar[frozenset[str]] = frozenset(
        {
            *("base_url", "api_key_env", "concurrency", "requests_per_minute", "tokens_per_minute"),
            *("timeout_s", "attempts", "price_per_mtok_in", "price_per_mtok_out"),
        }
    )

    backend: Literal["openai"]
    base_url: str = Field(pattern=r"^https?://[^\s]+$")
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    model: str
    revision: str | None = None
    prompt: str
    temperature: float = Field(default=0.0, ge=0, le=2)
    seed: int | None = None
    max_tokens: int = Field(default=512, ge=16)
    json_schema: bool = True  # whether the endpoint holds a model to a schema; without, replies are parsed as they come
    concurrency: int = Field(default=32, ge=1, le=1024)
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    timeout_s: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=6, ge=1, le=20)
    price_per_mtok_in: float | None = Field(
        default=None, ge=0
    )  # per million tokens, in whatever currency; both or none
    price_per_mtok_out: float | None = Field(default=None, ge=0)

    @field_validator("prompt")
    @classmethod
    def _is_a_prompt(cls, name: str) -> str:
        return _known_prompt(name)

    @model_validator(mode="after")
    def _both_prices_or_none(self) -> Chat:
        if (self.price_per_mtok_in is None) != (self.price_per_mtok_out is None):
            raise ValueError("price_per_mtok_in and price_per_mtok_out go together")
        return self

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "prompt_digest": load_prompt(self.prompt).digest}


class Voter(Options):
    backend: Literal["embedded"] = "embedded"
    name: Literal["words", "voice", "face"]

    def identity(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class Rule(Options):
    """Keep a clip if ``measure comparator threshold`` holds.

    A measure that could not be taken follows ``missing``. With ``when``, the rule only speaks of clips on which that
    other measure is above zero.
    """

    name: str
    measure: str = Field(max_length=MEASURE_MAX_CHARS)
    comparator: Literal["<", "<=", ">", ">=", "==", "!="]
    threshold: float
    reason: str
    missing: Literal["keep", "drop"] = "keep"
    when: str | None = None


class ScreenOptions(Options):
    rules: tuple[Rule, ...] = ()


class VerdictSettings(Options):
    """When a caption counts as confirmed by the voters (paper section 1.5: emotion and sentiment agree)."""

    min_voters: int = Field(default=1, ge=0)
    require_emotion: bool = True
    require_sentiment: bool = True


class Recipe(Options):
    name: str = Field(pattern=r"^[a-z0-9_]{1,64}$")
    language: Literal["en"] = "en"
    media: MediaPolicy = MediaPolicy()
    limits: MediaLimits = MediaLimits()
    transcribe: Annotated[Pocketsphinx | FasterWhisper | ScriptedMedia, Field(discriminator="backend")]
    diarize: Silero
    describe_visual: Annotated[EmbeddedDescriber | ScriptedMedia, Field(discriminator="backend")]
    describe_audio: Annotated[EmbeddedDescriber | ScriptedMedia, Field(discriminator="backend")]
    merge: Annotated[Embedded | Chat | Scripted, Field(discriminator="backend")]
    label: Annotated[Embedded | Chat | Scripted, Field(discriminator="backend")]
    screen: ScreenOptions = ScreenOptions()
    vote: tuple[Voter, ...] = ()
    verdict: VerdictSettings = VerdictSettings()

    @model_validator(mode="after")
    def _no_name_twice(self) -> Recipe:
        voters: list[str] = [voter.name for voter in self.vote]
        for what, names in (("voter", voters), ("rule", [rule.name for rule in self.screen.rules])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is named twice")
        return self


def _known_prompt(name: str) -> str:
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


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by the name of a shipped one, or by path. Raises UsageError with one sentence."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = RECIPES / f"{name_or_path}.toml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
            raise UsageError(
                f"There is no recipe named {name_or_path!r}; shipped are {known}, or give the path of a .toml file."
            )
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise UsageError(f"The recipe {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {path} is not valid TOML: {error}.") from None
    return parse_recipe(values, str(path))


def parse_recipe(values: dict[str, Any], origin: str) -> Recipe:
    """Validate; ``origin`` names the file in the sentence that a person gets to read."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"The recipe {origin}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in _TAGS)
    if first["type"] == "extra_forbidden":
        wrong = str(first["loc"][-1])
        near = difflib.get_close_matches(wrong, _KEYS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        return f"unknown key {place!r}{hint}"
    if first["type"] == "missing":
        return f"the key {place!r} is missing."
    if first["type"].startswith("union_tag"):
        return f"{place}: {first['msg'].removesuffix('.')}."
    return f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}."


def _names(model: type[BaseModel], seen: set[str]) -> set[str]:
    for name, field in model.model_fields.items():
        seen.add(name)
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                _names(part, seen)
    return seen


_KEYS = sorted(_names(Recipe, set()))
_TAGS = {"pocketsphinx", "faster_whisper", "scripted", "embedded", "silero", "openai"}
