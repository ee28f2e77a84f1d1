"""Reading a language model's reply: the record it stands for, or the typed failure it is.

A reply that was cut off, filtered, refused or empty is told by what the endpoint says of it, and fails its cell for
good: asking the same again gets the same. JSON is repaired where the fault is one that models make (fences around it,
words before or after, a comma too many), and nothing is guessed beyond that.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from mercap.errors import CellFailure, NothingToDo
from mercap.records import Label, Labels, Narrative, Sentiment

NARRATIVE_LEAST_WORDS = 5
LABEL_MAX_CHARS = 60
LABELS_MAX = 12
RAW_MAX_CHARS = 4000
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
# What models say instead of an answer. Only at the beginning: a narrative may speak of somebody who cannot help it.
_DECLINED = re.compile(
    r"\s*(?:i(?:'| a)?m sorry,|i apologi[sz]e|as an ai\b|(?:抱歉|对不起|很遗憾)[，,]|作为(?:一个|一名)?(?:ai|人工智能)|"
    r"i (?:can(?:no|')t|am (?:unable|not able) to|won't) (?:help|assist|comply|provide|describe|determine|identify))",
    re.IGNORECASE,
)


class _GivenLabel(BaseModel):
    model_config = ConfigDict(strict=True)

    text: str
    quote: str = ""


class _GivenLabels(BaseModel):
    model_config = ConfigDict(strict=True)

    labels: list[_GivenLabel]
    sentiment: str


def reply_text(body: dict[str, Any]) -> str:
    """What the model said in the first choice of a chat completion.

    Raises CellFailure: ``refusal``, ``cut_off`` or ``empty_reply``.
    """
    choice = body["choices"][0]
    message = choice["message"]
    text = message.get("content") or ""
    if message.get("refusal"):
        raise CellFailure("refusal", "the model refused to answer", raw=str(message["refusal"])[:RAW_MAX_CHARS])
    if choice.get("finish_reason") == "content_filter":
        raise CellFailure("refusal", "the endpoint's content filter stopped the answer", raw=text[:RAW_MAX_CHARS])
    if choice.get("finish_reason") == "length":
        raise CellFailure("cut_off", "the answer was cut off; raise max_tokens", raw=text[:RAW_MAX_CHARS])
    if not text.strip():
        raise CellFailure("empty_reply", "the model's answer was empty")
    if _DECLINED.match(text):
        raise CellFailure("refusal", "the model declined in words", raw=text[:RAW_MAX_CHARS])
    return str(text)


def read_narrative(text: str, language: str, *, injection_suspect: bool) -> Narrative:
    """A narrative in plain sentences. Raises CellFailure (``unreadable_reply``) for a bare word or a JSON object."""
    plain = " ".join(text.split())
    too_short = language == "en" and len(plain.split()) < NARRATIVE_LEAST_WORDS
    if too_short or plain.startswith(("{", "[")):
        raise _unreadable("the answer is no narrative", text)
    return Narrative(text=plain, language=language, injection_suspect=injection_suspect)


def read_labels(text: str, narrative: Narrative) -> Labels:
    """Labels with the place of their quotation in the narrative; one whose words are not in it is left out.

    Raises NothingToDo ("no_labels") where none remains, CellFailure (``unreadable_reply``) for anything but the object
    that was asked for.
    """
    try:
        given = _GivenLabels.model_validate(_json_object(text))
        sentiment = Sentiment(given.sentiment.strip().lower())
    except (ValidationError, ValueError):
        raise _unreadable("the answer is not the JSON object that was asked for", text) from None
    found: dict[str, Label] = {}
    for one in given.labels[:LABELS_MAX]:
        label = " ".join(one.text.lower().split())
        place = _place(narrative.text, one.quote) or _place(narrative.text, label)
        if label and len(label) <= LABEL_MAX_CHARS and place is not None:
            found.setdefault(label, Label(text=label, start=place[0], end=place[1]))
    if not found:
        raise NothingToDo("no_labels")
    return Labels(labels=tuple(found.values()), sentiment=sentiment)


def _place(text: str, quote: str) -> tuple[int, int] | None:
    """Where the words of ``quote`` stand in ``text``, whatever the case and the white space between them."""
    words = quote.split()
    if not words:
        return None
    match = re.search(r"\s+".join(re.escape(word) for word in words), text, re.IGNORECASE)
    return match.span() if match else None


def _json_object(text: str) -> Any:
    """The JSON object in a reply. Raises ValueError."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise ValueError("no object")
    body = text[start : end + 1]
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_TRAILING_COMMA.sub(r"\1", body))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unreadable(message: str, text: str) -> CellFailure:
    return CellFailure("unreadable_reply", message, raw=text[:RAW_MAX_CHARS])
