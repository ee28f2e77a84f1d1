"""What the missing cells of a stage would take: calls, tokens, money, seconds.

From the newest cells of the same stage where there are any (*measured*), else from the prompt and what clips of a few
seconds usually bring (*estimate*). Cells that turn out to have nothing to ask about cost nothing, so calls are at most.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from mercap.recipe import Recipe
from mercap.roles import Asked, Chat, ChatVoter, VllmVoter
from mercap.stages import Stage
from prompts import load_prompt
from storage.store import Store
from storage.usage import Pace, pace
from tasks.asking import AUDIO_TOKENS_PER_S, CHARS_PER_TOKEN, IMAGE_TOKENS, VIDEO_TOKENS

# A clip of some five seconds.
CLIP_S = 5.0
WORDS_TOKENS, EVIDENCE_TOKENS, NARRATIVE_TOKENS = 40, 400, 180
ANSWER_TOKENS = {
    "transcribe": 30, "describe_visual": 130, "describe_audio": 110, "merge": 200, "label": 90, "vote": 60,
}  # fmt: skip
ANSWER_S = 3.0


class StageCost(NamedTuple):
    """``basis`` is ``measured``, ``estimate`` or ``None`` (nothing is known); ``price`` is in the recipe's currency."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    price: float | None
    seconds: float | None
    basis: str | None


def stage_cost(store: Store, recipe: Recipe, stage: Stage, cells: int, calls: int, before: str | None) -> StageCost:
    """Of ``cells`` missing cells, ``calls`` of which would be asked about; ``before`` is the newest other config."""
    options = recipe.roles.get(stage.key)
    known = pace(store, stage.name, stage.voter, stage.config_digest, before) if cells else None
    if not isinstance(options, Asked):
        seconds = known.seconds * cells / (os.cpu_count() or 1) if known else None
        return StageCost(0, 0, 0, None, seconds, "measured" if known else None)
    if known is None or not known.answers:
        known, basis = _guess(stage, options), "estimate"
    else:
        basis = "measured"
    tokens_in, tokens_out = round(calls * known.prompt_tokens), round(calls * known.completion_tokens)
    price = options.price(tokens_in, tokens_out) if isinstance(options, Chat) else None
    seconds = _seconds(options, calls, known)
    return StageCost(calls, tokens_in, tokens_out, price, seconds, basis if calls else None)


def _seconds(options: Asked, calls: int, known: Pace) -> float:
    if not isinstance(options, Chat):
        return calls * known.seconds
    times = [calls * known.seconds / options.concurrency]
    if options.requests_per_minute:
        times.append(60 * calls / options.requests_per_minute)
    if options.tokens_per_minute:
        times.append(60 * calls * (known.prompt_tokens + known.completion_tokens) / options.tokens_per_minute)
    return max(times)


def _guess(stage: Stage, options: Asked) -> Pace:
    asked = len(load_prompt(options.prompt).text) / CHARS_PER_TOKEN
    made = min(ANSWER_TOKENS[stage.name], options.max_tokens)
    return Pace(0, ANSWER_S, 0, asked + _material_tokens(stage, options), made)


def _material_tokens(stage: Stage, options: Asked) -> float:
    if stage.name in ("merge", "label"):
        return {"merge": EVIDENCE_TOKENS, "label": NARRATIVE_TOKENS}[stage.name]
    pictures = getattr(options, "pictures", None)
    reads = options.reads if isinstance(options, (ChatVoter, VllmVoter)) else None
    if reads == "words":
        return WORDS_TOKENS
    if reads == "voice" or pictures is None:
        return AUDIO_TOKENS_PER_S * CLIP_S
    return VIDEO_TOKENS if pictures.send == "video" else IMAGE_TOKENS * pictures.frames
