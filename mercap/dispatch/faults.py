"""What can come back from an endpoint, sorted into what to do about it.

*Transient* is tried again: too many requests, a server's own error, no answer in time, a connection that broke, a
body that is no JSON or no chat completion. *Permanent* fails one cell: the endpoint understood and declined this
request. *Fatal* ends the run: every further request would get the same (a wrong key, an unknown model).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pydantic
from openai.types.chat import ChatCompletion

from mercap.errors import CellFailure, EndpointError

MESSAGE_MAX_CHARS = 300
RETRIED = frozenset({408, 409, 425, 429})  # beside 5xx
RETRY_AFTER_MAX_S = 300.0


class Transient(Exception):
    """Try again; ``retry_after_s`` is the endpoint's own word, ``refused`` that it was too much for it."""

    def __init__(self, cause: str, message: str, retry_after_s: float | None = None, *, refused: bool = False) -> None:
        super().__init__(message)
        self.cause, self.message = cause, message
        self.retry_after_s, self.refused = retry_after_s, refused

    def as_failure(self, attempts: int) -> CellFailure:
        return CellFailure(self.cause, f"{self.message} ({attempts} attempts)", retryable=True)


def check_status(url: str, status: int, headers: Any, text: str) -> None:
    """Nothing for a 2xx. Raises Transient, CellFailure (permanent) or EndpointError (fatal)."""
    if 200 <= status < 300:
        return
    message = f"{url} answered {status}: {_message(text)}"
    if status >= 500 or status in RETRIED:
        raise Transient("backend", message, _retry_after(headers), refused=status in (429, 503))
    if status in (401, 403):
        raise EndpointError(f"{url} refuses the key ({status}); check the variable that api_key_env names.")
    if status == 404:
        raise EndpointError(f"{url} knows no such path or model: {_message(text)}")
    raise CellFailure("backend", message)


def parse_completion(text: str) -> dict[str, Any]:
    """The body of a chat completion, checked against the published schema. Raises Transient for anything else."""
    try:
        body = json.loads(text)
        completion = ChatCompletion.model_validate(body)
    except (ValueError, RecursionError, pydantic.ValidationError):
        raise Transient("unreadable_reply", f"the answer is no chat completion: {_shortened(text)}") from None
    if not completion.choices:
        raise Transient("unreadable_reply", "the answer holds no choice")
    return dict(body)


def _retry_after(headers: Any) -> float | None:
    """Seconds, from seconds or a date; ``None`` without the header or with one that cannot be read."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        return min(max(float(text), 0.0), RETRY_AFTER_MAX_S)
    except ValueError:
        pass
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


def _message(text: str) -> str:
    """What an error body says, if it is one of the usual form."""
    try:
        error = json.loads(text)["error"]
        text = error if isinstance(error, str) else str(error["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return _shortened(text)


def _shortened(text: str) -> str:
    flat = " ".join(text.split()) or "nothing"
    return flat if len(flat) <= MESSAGE_MAX_CHARS else f"{flat[:MESSAGE_MAX_CHARS]}..."
