"""What came of one cell: an answer, nothing to do, or a typed failure. Never an exception, never an empty string."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from mercap.errors import CAUSES, CellFailure, MercapError, NothingToDo
from mercap.records import Record


class Usage(NamedTuple):
    """What one answer of a model cost. ``key`` names the request: the same key twice was paid once.

    ``price`` is in the currency of the recipe's prices, ``None`` where it states none; tokens are the endpoint's count.
    """

    key: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    audio_s: float
    price: float | None
    latency_s: float
    attempts: int


class Outcome(NamedTuple):
    """``status`` is ``ok``, ``absent`` or ``quarantined``; ``payload`` the JSON of the stage's record when ``ok``."""

    status: str
    payload: str | None = None
    cause: str | None = None
    message: str | None = None
    retryable: bool = False
    raw: str | None = None
    seconds: float = 0.0
    usage: Usage | None = None


class Answer(NamedTuple):
    """A record together with the model's reply it was parsed from."""

    record: Record
    raw: str | None = None


# What a worker process says of an outcome: everything but its cost, for workers ask no endpoint.
REPLIED = tuple(name for name in Outcome._fields if name != "usage")


def failed(failure: CellFailure, seconds: float = 0.0) -> Outcome:
    return Outcome("quarantined", None, failure.cause, failure.message, failure.retryable, failure.raw, seconds)


def attempt(compute: Callable[[], Record | Answer]) -> Outcome:
    """Run one cell's computation and type whatever comes of it. Only what a person must mend is let through."""
    started = time.perf_counter()
    outcome = _attempt(compute)
    return outcome._replace(seconds=time.perf_counter() - started)


def _attempt(compute: Callable[[], Record | Answer]) -> Outcome:
    try:
        found = compute()
    except Exception as fault:
        return typed(fault)
    answer = found if isinstance(found, Answer) else Answer(found)
    return Outcome("ok", answer.record.model_dump_json(), raw=answer.raw)


def typed(fault: Exception) -> Outcome:
    """What a fault makes of its cell. Raises it again where a person must mend it."""
    if isinstance(fault, MercapError):
        raise fault
    if isinstance(fault, NothingToDo):
        return Outcome("absent", cause=fault.cause, message=CAUSES[fault.cause])
    if isinstance(fault, CellFailure):
        return failed(fault)
    if isinstance(fault, MemoryError):
        return Outcome("quarantined", None, "memory", CAUSES["memory"])
    message = f"{type(fault).__name__}: {fault}"
    trace = "".join(traceback.format_exception(fault))
    return Outcome("quarantined", None, "internal_error", message[:500], True, trace)
