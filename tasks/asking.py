"""What asking a model has in common, wherever it runs: the request, the reading of its reply, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mercap.cues.questions import SCHEMAS, Messages
from mercap.cues.replies import reply_text
from mercap.dispatch.budget import Cost
from mercap.dispatch.journal import Entry
from mercap.media.excerpt import Excerpt
from mercap.outcome import Answer, Outcome, Usage, attempt, typed
from mercap.roles import Asked, Chat
from tasks.context import Context
from tasks.materials import materials
from tasks.role import Role
from tasks.spec import CellSpec

# Roughly, for limits and forecasts only; the endpoint's own count is what is stored.
CHARS_PER_TOKEN = 3.5  # of English; a Chinese character is about a token
IMAGE_TOKENS = 600
VIDEO_TOKENS = 4000
AUDIO_TOKENS_PER_S = 25


class Question(NamedTuple):
    """One cell to ask about; ``failed`` is what became of it where there is nothing to ask."""

    spec: CellSpec
    messages: Messages
    audio_s: float = 0.0
    failed: Outcome | None = None


def questions(context: Context, specs: list[CellSpec], role: Role, options: Asked) -> Iterator[Question | None]:
    """The question of each cell, as its material is ready; ``None`` where the next one is not ready yet."""
    for material in materials(context, specs, options):
        if material is None:
            yield None
        elif material.failed is not None:
            yield Question(material.spec, [], failed=material.failed)
        else:
            yield _question(context, material.spec, role, options, material.excerpt)


def _question(context: Context, spec: CellSpec, role: Role, options: Asked, excerpt: Excerpt | None) -> Question:
    try:
        messages = role.messages(context, spec, options, excerpt)
    except Exception as fault:
        return Question(spec, [], failed=typed(fault))
    context.asked(spec, messages)
    return Question(spec, messages, excerpt.duration_s if excerpt is not None and excerpt.wav else 0.0)


def request_body(options: Asked, messages: Messages) -> dict[str, Any]:
    """What is sent: everything that can change the answer, and nothing else."""
    body: dict[str, Any] = {"model": options.model, "messages": messages}
    if isinstance(options, Chat):
        body |= options.extra_body
    body[options.limit_name] = options.max_tokens
    if options.temperature != "default":
        body["temperature"] = options.temperature
    if options.seed is not None:
        body["seed"] = options.seed
    if (schema := schema_of(options)) is not None:
        form = {"name": options.question.partition("/")[0], "strict": True, "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def schema_of(options: Asked) -> dict[str, Any] | None:
    return SCHEMAS.get(options.question) if options.json_schema else None


def tokens_in(messages: Messages, audio_s: float = 0.0) -> float:
    """About how many tokens a model makes of this."""
    total = AUDIO_TOKENS_PER_S * audio_s
    for message in messages:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "text":
                wide = sum(ord(character) > 0x2E7F for character in part["text"])
                total += wide + (len(part["text"]) - wide) / CHARS_PER_TOKEN
            else:
                total += {"image_url": IMAGE_TOKENS, "video_url": VIDEO_TOKENS}.get(part["type"], 0)
    return total


def read_body(context: Context, spec: CellSpec, role: Role, options: Asked, body: dict[str, Any]) -> Outcome:
    """What an answer is worth: the record that it was read into, or why it could not be read."""

    def answer() -> Answer:
        text = reply_text(body)
        return Answer(role.read(context, spec, options, text), raw=text)

    return attempt(answer)


def usage_of(options: Asked, entry: Entry, audio_s: float) -> Usage:
    """What an answer cost, as the endpoint counts it; an endpoint that counts nothing gives zeros."""
    counted = entry.body.get("usage") or {}
    tokens_given, tokens_made = int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0)
    cached = int((counted.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    return Usage(
        key=entry.key,
        model=options.model,
        prompt_tokens=tokens_given,
        completion_tokens=tokens_made,
        cached_tokens=cached,
        audio_s=round(audio_s, 3),
        price=options.price(tokens_given, tokens_made, cached) if isinstance(options, Chat) else None,
        latency_s=round(entry.latency_s, 4),
        attempts=entry.attempts,
    )


def cost_of(usage: Usage) -> Cost:
    return Cost(usage.prompt_tokens + usage.completion_tokens, usage.price)
