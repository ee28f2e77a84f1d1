"""The DAG as data: which stages there are, what each reads, and what its own config holds.

One table, read by planning (ids), by the runners (order) and by the documentation. Adding a stage is one row here,
one file in ``tasks/`` and one row in its table. Raise a stage's ``version`` whenever its answer changes for the same
inputs: the golden test in ``tests/mercap/test_golden.py`` fails until you do.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from mercap.identity import digest_config
from mercap.media.policy import DECODER_VERSION
from mercap.recipe import Recipe, Voter
from mercap.roles import RoleOptions

MEDIA = "media"  # raw digest: the clip's bytes
SUBTITLE = "subtitle"  # raw digest: the supplied subtitle's text


@dataclass(frozen=True)
class Stage:
    """One row of the DAG.

    ``inputs`` name raw digests or stages, in the order that enters the cell id. ``config`` holds everything that
    changes the meaning of an answer and nothing else.
    """

    key: str  # "measure", or "vote:face"
    inputs: tuple[str, ...]
    config: dict[str, Any]

    @functools.cached_property
    def name(self) -> str:
        return self.key.partition(":")[0]

    @functools.cached_property
    def voter(self) -> str | None:
        return self.key.partition(":")[2] or None

    @functools.cached_property
    def config_digest(self) -> str:
        return digest_config(self.config)

    @functools.cached_property
    def upstream(self) -> tuple[str, ...]:
        """The stages among the inputs; a stage that reads media also waits for `ingest` to have accepted it."""
        stages = tuple(name for name in self.inputs if name not in (MEDIA, SUBTITLE))
        return ("ingest", *stages) if MEDIA in self.inputs and self.key != "ingest" else stages


# Code version of each stage's own code.
VERSIONS: dict[str, int] = {
    "ingest": 1,
    "diarize": 1,
    "transcribe": 4,
    "measure": 2,
    "describe_visual": 2,
    "describe_audio": 2,
    "merge": 2,
    "label": 1,
    "screen": 1,
    "vote": 1,
    "verdict": 1,
}
STAGES: tuple[str, ...] = tuple(VERSIONS)

# What the embedded voters read. Their code versions are part of the config, so one can change alone.
EMBEDDED_VOTERS: dict[str, tuple[tuple[str, ...], int]] = {
    "words": (("transcribe",), 2),
    "voice": (("measure",), 2),
    "face": (("measure",), 1),
}


def _role(recipe: Recipe, name: str) -> tuple[RoleOptions, dict[str, Any]]:
    options: RoleOptions = getattr(recipe, name)
    return options, {"version": VERSIONS[name], **options.identity()}


def _describe(recipe: Recipe, name: str, policy: dict[str, Any]) -> Stage:
    """The embedded describer reads measures only; a model reads the media itself, and never waits for measures."""
    options, config = _role(recipe, name)
    inputs = (*((MEDIA,) if options.reads_media else ()), *(("measure",) if options.reads_measures else ()))
    return Stage(name, inputs, {**config, **policy} if options.reads_media else config)


def plan_stages(recipe: Recipe) -> dict[str, Stage]:
    """Every stage of ``recipe`` by key, in an order in which each comes after what it reads.

    `transcribe` has a second form, for clips with a supplied subtitle: see `supplied_transcribe`.
    """
    audio = {"decoder": DECODER_VERSION, "audio": recipe.media.audio.model_dump()}
    frames = {"decoder": DECODER_VERSION, "frames": recipe.media.frames.model_dump()}
    limits = recipe.limits.model_dump(include={"seconds", "pixels", "file_mb"})
    rows = [
        Stage("ingest", (MEDIA,), {"version": VERSIONS["ingest"], "limits": limits}),
        Stage("diarize", (MEDIA,), {**_role(recipe, "diarize")[1], **audio}),
        Stage("transcribe", (MEDIA, "diarize"), {**_role(recipe, "transcribe")[1], **audio}),
        Stage("measure", (MEDIA, "diarize"), {"version": VERSIONS["measure"], **audio, **frames}),
        _describe(recipe, "describe_visual", frames),
        _describe(recipe, "describe_audio", audio),
        Stage("merge", ("transcribe", "describe_visual", "describe_audio"), _role(recipe, "merge")[1]),
        Stage("label", ("merge",), _role(recipe, "label")[1]),
        Stage(
            "screen",
            ("ingest", "transcribe", "diarize", "measure", "describe_visual", "describe_audio", "merge"),
            {"version": VERSIONS["screen"], "rules": [rule.model_dump() for rule in recipe.screen.rules]},
        ),
        *(_vote(voter, audio if voter.reads == "voice" else frames) for voter in recipe.vote),
    ]
    votes = tuple(row.key for row in rows if row.name == "vote")
    verdict = {"version": VERSIONS["verdict"], **recipe.verdict.model_dump()}
    rows.append(Stage("verdict", ("label", *votes, "screen"), verdict))
    return {row.key: row for row in rows}


def _vote(voter: Voter, policy: dict[str, Any]) -> Stage:
    """An embedded voter reads what its row of `EMBEDDED_VOTERS` says; a model the words, or the media itself."""
    config = {"version": VERSIONS["vote"], **voter.identity()}
    if voter.backend == "embedded":
        reads, version = EMBEDDED_VOTERS[voter.name]
        return Stage(f"vote:{voter.name}", reads, {**config, "voter_version": version})
    if voter.reads == "words":
        return Stage(f"vote:{voter.name}", ("transcribe",), config)
    return Stage(f"vote:{voter.name}", (MEDIA,), {**config, **policy})


def supplied_transcribe() -> Stage:
    """`transcribe` where a subtitle was supplied: no recogniser and no speech detection is involved."""
    config = {"version": VERSIONS["transcribe"], "backend": "supplied"}
    return Stage("transcribe", (MEDIA, SUBTITLE), config)


def recipe_digest(recipe: Recipe) -> str:
    """Digest over everything that changes the meaning of any cell; the recipe's name is not part of it."""
    stages = {key: stage.config_digest for key, stage in plan_stages(recipe).items()}
    return digest_config({**stages, "supplied": supplied_transcribe().config_digest})
