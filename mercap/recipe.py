"""A recipe: everything one run does, as one validated TOML file.

Each role (`transcribe`, `diarize`, `describe_visual`, `describe_audio`, `merge`, `label`) names a back-end and its
options (`mercap.roles`); `vote` is a list of voters; `screen.rules` and `verdict` are the filter. Whatever changes the
meaning of an answer enters the cell ids; what only changes where, how fast or for how much it is computed does not.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError, model_validator

from mercap.errors import UsageError
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.roles import (
    Asked,
    Chat,
    ChatVoter,
    ClassifierVoter,
    Embedded,
    EmbeddedDescriber,
    EmbeddedVoter,
    FasterWhisper,
    HearingChat,
    HearingVllm,
    Options,
    Pocketsphinx,
    Pyannote,
    RoleOptions,
    Scripted,
    ScriptedMedia,
    SeeingChat,
    SeeingVllm,
    Silero,
    Vllm,
    VllmVoter,
)

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
MEASURE_MAX_CHARS = 64
# Which questions of prompts/ may be put in which role.
TOPICS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("transcribe", "describe_visual", "describe_audio", "merge", "label")},
    "vote": ("emotion", "sentiment"),
}


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


_BY_BACKEND = Field(discriminator="backend")

Transcribe = Annotated[Pocketsphinx | FasterWhisper | HearingChat | HearingVllm | ScriptedMedia, _BY_BACKEND]
Diarize = Annotated[Silero | Pyannote, _BY_BACKEND]
DescribeVisual = Annotated[EmbeddedDescriber | SeeingChat | SeeingVllm | ScriptedMedia, _BY_BACKEND]
DescribeAudio = Annotated[EmbeddedDescriber | HearingChat | HearingVllm | ScriptedMedia, _BY_BACKEND]
Text = Annotated[Embedded | Chat | Vllm | Scripted, _BY_BACKEND]
# A voter without a back-end is one of our own.
Voter = Annotated[
    Annotated[EmbeddedVoter, Tag("embedded")]
    | Annotated[ClassifierVoter, Tag("huggingface")]
    | Annotated[ChatVoter, Tag("openai")]
    | Annotated[VllmVoter, Tag("vllm")],
    Discriminator(lambda given: given.get("backend", "embedded") if isinstance(given, dict) else given.backend),
]


class Recipe(Options):
    name: str = Field(pattern=r"^[a-z0-9_]{1,64}$")
    language: Literal["en"] = "en"
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")  # of the prices
    media: MediaPolicy = MediaPolicy()
    limits: MediaLimits = MediaLimits()
    transcribe: Transcribe
    diarize: Diarize
    describe_visual: DescribeVisual
    describe_audio: DescribeAudio
    merge: Text
    label: Text
    screen: ScreenOptions = ScreenOptions()
    vote: tuple[Voter, ...] = ()
    verdict: VerdictSettings = VerdictSettings()

    @property
    def roles(self) -> dict[str, RoleOptions]:
        """What is asked of a back-end, by stage key."""
        names = ("diarize", "transcribe", "describe_visual", "describe_audio", "merge", "label")
        return {**{name: getattr(self, name) for name in names}, **{f"vote:{one.name}": one for one in self.vote}}

    @property
    def asked(self) -> dict[str, Asked]:
        """Those of them that are models asked in words."""
        return {key: one for key, one in self.roles.items() if isinstance(one, Asked)}

    @model_validator(mode="after")
    def _every_prompt_fits_its_role(self) -> Recipe:
        for key, one in self.asked.items():
            topic, fitting = one.prompt.partition("/")[0], TOPICS[key.partition(":")[0]]
            if topic not in fitting:
                raise ValueError(
                    f"{key.replace(':', '.')}.prompt: {one.prompt!r} asks another question than {key} does"
                )
        return self

    @model_validator(mode="after")
    def _no_name_twice(self) -> Recipe:
        voters = [voter.name for voter in self.vote]
        for what, names in (("voter", voters), ("rule", [rule.name for rule in self.screen.rules])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is named twice")
        return self


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


def _names(annotation: Any, seen: set[str]) -> set[str]:
    """Every key a recipe may have, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            seen.add(name)
            _names(field.annotation, seen)
    for part in get_args(annotation):
        _names(part, seen)
    return seen


_KEYS = sorted(_names(Recipe, set()))
_TAGS = {
    "pocketsphinx",
    "faster_whisper",
    "scripted",
    "embedded",
    "silero",
    "openai",
    "vllm",
    "pyannote",
    "huggingface",
}
