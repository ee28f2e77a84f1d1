"""Ask a language model about many cells at once, and read each answer into the record of its stage."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from mercap.backends import api_key
from mercap.cues.questions import SCHEMAS, Messages
from mercap.cues.replies import reply_text
from mercap.dispatch.dispatcher import Call, Endpoint, Reply
from mercap.dispatch.journal import Entry
from mercap.outcome import Answer, Outcome, Usage, attempt
from mercap.recipe import Chat
from mercap.records import Record
from tasks.context import CellSpec, Context

CHARS_PER_TOKEN = 3.5  # of English, roughly: for limits per minute only


def ask(
    context: Context,
    specs: list[CellSpec],
    options: Chat,
    question: Callable[[CellSpec], Messages],
    read: Callable[[str, CellSpec], Record],
) -> Iterator[tuple[CellSpec, Outcome]]:
    """Outcomes in the order in which answers come. Raises EndpointError where the endpoint cannot be used at all.

    ``question`` may raise NothingToDo or CellFailure for a cell, which is then not asked about; ``read`` turns an
    answer into a record, or raises.
    """
    unasked: list[tuple[CellSpec, Outcome]] = []

    def calls() -> Iterator[Call]:
        for place, spec in enumerate(specs):
            try:
                messages = question(spec)
            except Exception as fault:
                unasked.append((spec, attempt(functools.partial(_raise, fault))))
                continue
            tokens = options.max_tokens + len(str(messages)) / CHARS_PER_TOKEN
            tried = context.index(spec.stage.key).attempts(spec.cell_id)
            yield Call(place, request_body(options, spec.stage.name, messages), tokens, attempt=tried)

    for reply in context.desk.ask(_endpoint(options), calls()):
        spec = specs[reply.place]
        yield spec, _outcome(options, reply, spec, read)
    yield from unasked


def request_body(options: Chat, stage: str, messages: Messages) -> dict[str, Any]:
    """What is sent: everything that can change the answer, and nothing else."""
    body: dict[str, Any] = {
        "model": options.model,
        "messages": messages,
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
    }
    if options.seed is not None:
        body["seed"] = options.seed
    if options.json_schema and stage in SCHEMAS:
        form = {"name": stage, "strict": True, "schema": SCHEMAS[stage]}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _raise(fault: Exception) -> NoReturn:
    raise fault


def _endpoint(options: Chat) -> Endpoint:
    return Endpoint(
        options.base_url,
        concurrency=options.concurrency,
        requests_per_minute=options.requests_per_minute,
        tokens_per_minute=options.tokens_per_minute,
        timeout_s=options.timeout_s,
        attempts=options.attempts,
        key=api_key(options),
    )


def _outcome(options: Chat, reply: Reply, spec: CellSpec, read: Callable[[str, CellSpec], Record]) -> Outcome:
    def answer() -> Answer:
        if reply.entry is None:
            assert reply.failure is not None
            raise reply.failure
        text = reply_text(reply.entry.body)
        return Answer(read(text, spec), raw=text)

    outcome = attempt(answer)
    if reply.entry is None:
        return outcome
    return outcome._replace(seconds=reply.entry.latency_s, usage=usage_of(options, reply.entry))


def usage_of(options: Chat, entry: Entry) -> Usage:
    """What an answer cost, as the endpoint counts it; an endpoint that counts nothing gives zeros."""
    counted = entry.body.get("usage") or {}
    tokens_in, tokens_out = int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0)
    price = None
    if options.price_per_mtok_in is not None and options.price_per_mtok_out is not None:
        price = (tokens_in * options.price_per_mtok_in + tokens_out * options.price_per_mtok_out) / 1e6
    return Usage(
        key=entry.key,
        model=options.model,
        prompt_tokens=tokens_in,
        completion_tokens=tokens_out,
        cached_tokens=int((counted.get("prompt_tokens_details") or {}).get("cached_tokens") or 0),
        price=price,
        latency_s=round(entry.latency_s, 4),
        attempts=entry.attempts,
    )
