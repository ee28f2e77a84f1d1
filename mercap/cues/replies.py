"""Reading a language model's reply: the record it stands for, or the typed failure it is.

A reply that was cut off, filtered, refused or empty is told by what the endpoint says of it, and fails its cell for
good: asking the same again gets the same. JSON is repaired where the fault is one that models make (fences around it,
words before or after, a comma too many), and nothing is guessed beyond that.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from mercap.ballot import count
from mercap.cues.injection import reads_like_instruction
from mercap.errors import CellFailure, NothingToDo
from mercap.media.subtitles import guess_language
from mercap.records import Cue, Emotion, Label, Labels, Narrative, Segment, Sentiment, Transcript, Vote

LEAST_WORDS = 5  # of a narrative or a cue
LEAST_CHARS = 6  # the same in Chinese
LABEL_MAX_CHARS = 60
LABELS_MAX = 12
RAW_MAX_CHARS = 4000
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)  # of models that think aloud before they answer
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
# What models say instead of an answer. Only at the beginning: a narrative may speak of somebody who cannot help it.
_DECLINED = re.compile(
    r"\s*(?:i(?:'| a)?m sorry,|i apologi[sz]e|as an ai\b|(?:抱歉|对不起|很遗憾)[，,]|作为(?:一个|一名)?(?:ai|人工智能)|"
    r"i (?:can(?:no|')t|am (?:unable|not able) to|won't) (?:help|assist|comply|provide|describe|determine|identify))",
    re.IGNORECASE,
)
# What models say of the request instead of the clip.
_BOILERPLATE = re.compile(
    r"\s*(?:(?:sure|certainly|of course)[,!.]?\s*)?(?:"
    r"(?:please|could you|can you) (?:provide|upload|share|send|attach)\b|"
    r"i (?:do not|don't|can(?:no|')t|am (?:not able|unable) to) (?:see|hear|view|access|watch|listen to|open) |"
    r"(?:there (?:is|are) no|no) (?:image|video|audio|frame|picture|recording)s? (?:was |were |is |are )?"
    r"(?:provided|attached|given|visible)|(?:请|麻烦)(?:您|你)?(?:先)?(?:提供|上传|发送)|我(?:无法|不能)(?:看到|听到|查看|访问))",
    re.IGNORECASE,
)
# What the prompts ask for where there is nothing to describe.
_NOBODY = re.compile(r"\W*(?:no person|没有人)\W*", re.IGNORECASE)
_NO_SPEECH = re.compile(r"\W*(?:no speech|没有(?:说话声|人说话))\W*", re.IGNORECASE)


class _GivenLabel(BaseModel):
    model_config = ConfigDict(strict=True)

    text: str
    quote: str = ""


class _GivenLabels(BaseModel):
    model_config = ConfigDict(strict=True)

    labels: list[_GivenLabel]
    sentiment: str


class _GivenNarrative(BaseModel):
    model_config = ConfigDict(strict=True)

    narrative: str
    conflict: bool


Given = TypeVar("Given", bound=BaseModel)


def reply_text(body: dict[str, Any]) -> str:
    """What the model said in the first choice of a chat completion.

    Raises CellFailure: ``refusal``, ``cut_off``, ``empty_reply`` or ``boilerplate``.
    """
    choice = body["choices"][0]
    message = choice["message"]
    text = _THOUGHTS.sub("", message.get("content") or "")
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
    if _BOILERPLATE.match(text):
        raise CellFailure("boilerplate", "the model spoke of the request, not of the clip", raw=text[:RAW_MAX_CHARS])
    return str(text)


def read_cue(text: str, modality: str, language: str) -> Cue:
    """A cue in plain sentences.

    Raises NothingToDo where the model says that nobody can be seen (``no_face``) or heard (``no_speech``), CellFailure
    (``unreadable_reply``) for a bare word or JSON.
    """
    if modality == "visual" and _NOBODY.fullmatch(text):
        raise NothingToDo("no_face")
    if modality == "audio" and _NO_SPEECH.fullmatch(text):
        raise NothingToDo("no_speech")
    return Cue(modality=modality, text=_sentences(text, text, language), language=language)


def read_transcript(text: str, duration_s: float) -> Transcript:
    """One segment over the whole clip: a model that is asked for words says nothing of times.

    Raises NothingToDo (``no_speech``).
    """
    if _NO_SPEECH.fullmatch(text):
        raise NothingToDo("no_speech")
    words = " ".join(text.split())
    segment = Segment(start_s=0.0, end_s=duration_s, text=words)
    return Transcript(segments=(segment,), language=guess_language(words), origin="recognised")


def read_narrative(text: str, question: str, language: str, *, injection_suspect: bool) -> Narrative:
    """The narrative of ``merge/v1`` (plain sentences) or of later versions (an object that states conflict as well).

    Raises CellFailure (``unreadable_reply``).
    """
    if question == "merge/v1":
        plain, conflict = _sentences(text, text, language), False
    else:
        given = _given(_GivenNarrative, text)
        plain, conflict = _sentences(given.narrative, text, language), given.conflict
    return Narrative(text=plain, language=language, conflict=conflict, injection_suspect=injection_suspect)


def read_vote(text: str, question: str, voter: str) -> Vote:
    """Points shared out over emotions (``emotion/``) or sentiments (``sentiment/``).

    Raises CellFailure (``unreadable_reply``) for anything else, or where no point is given.
    """
    kind: type[Emotion | Sentiment] = Sentiment if question.startswith("sentiment/") else Emotion
    try:
        found = _json_object(text)
        return count(voter, kind, {member: float(found[member]) for member in kind})
    except (ValueError, TypeError, KeyError, OverflowError):
        raise _unreadable("the answer does not share out points as it was asked to", text) from None


def suspicious(*texts: str | None) -> bool:
    """Whether one of the texts that a model is given reads like an instruction to it."""
    return any(text and reads_like_instruction(text) for text in texts)


def read_labels(text: str, narrative: Narrative) -> Labels:
    """Labels with the place of their quotation in the narrative; one whose words are not in it is left out.

    Raises NothingToDo ("no_labels") where none remains, CellFailure (``unreadable_reply``) for anything but the object
    that was asked for.
    """
    given = _given(_GivenLabels, text)
    try:
        sentiment = Sentiment(given.sentiment.strip().lower())
    except ValueError:
        raise _unreadable(f"the answer names no sentiment: {given.sentiment[:40]!r}", text) from None
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


def _given(kind: type[Given], text: str) -> Given:
    try:
        return kind.model_validate(_json_object(text))
    except ValueError:  # a ValidationError is one
        raise _unreadable("the answer is not the JSON object that was asked for", text) from None


def _sentences(plain: str, whole: str, language: str) -> str:
    """Plain sentences on one line. Raises CellFailure for a bare word or for JSON."""
    plain = " ".join(plain.split())
    short = len(plain) < LEAST_CHARS if language == "zh" else len(plain.split()) < LEAST_WORDS
    if short or plain.startswith(("{", "[")):
        raise _unreadable("the answer is no sentence", whole)
    return plain


def _unreadable(message: str, text: str) -> CellFailure:
    return CellFailure("unreadable_reply", message, raw=text[:RAW_MAX_CHARS])
