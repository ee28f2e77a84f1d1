"""From free-text responses to labels: the second of generate, extract, score.

Predictions are made once, by whatever generates them; labels are found in them once per extractor, and the file that
holds them says which (``extractor``); scoring reads that file. Extracting again into the same file keeps every answer
whose response and extractor are the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mercap.errors import UsageError
from mercap.files import write_text
from mercap.unibench.labels import parse_labels
from mercap.unibench.rows import read_columns

# "The character's emotional state is ..." and the like: what stands before the list.
_LEAD = re.compile(
    r"^.{0,200}?\b(?:emotion|emotional state|feeling|label)s?\b[^:.,]{0,60}?(?:\b(?:is|are|include|includes)\b|:)\s*",
    re.IGNORECASE | re.DOTALL,
)
_AND = re.compile(r"[,;/\n]|\band\b")
_EDGE = " \t\r\n.:!?\"'`*[](){}-"
LABEL_MAX_WORDS = 3  # more is a sentence, not a label


@dataclass(frozen=True)
class Extracted:
    rows: int
    reused: int
    empty: int


def plain_labels(response: str) -> tuple[str, ...]:
    """Labels of a response that lists them: what stands before the list is dropped, the rest split.

    Made for answers such as "The character's emotional state is sad, worried and tired." and for bare lists. Text that
    is no list gives no label, rather than a sentence as one.
    """
    rest = _LEAD.sub("", response.strip(), count=1)
    pieces = (" ".join(piece.strip(_EDGE).lower().split()) for piece in _AND.split(rest))
    found = [piece for piece in pieces if piece and len(piece.split()) <= LABEL_MAX_WORDS]
    return tuple(dict.fromkeys(found))


def listed_labels(response: str) -> tuple[str, ...]:
    """Labels of a response that is a list already: the official parser, quirks included."""
    return parse_labels(response)


# Name and version of an extractor -> what it does. Another answer for the same text is another version.
EXTRACTORS: dict[str, tuple[str, Callable[[str], tuple[str, ...]]]] = {
    "plain": ("plain/1", plain_labels),
    "listed": ("listed/1", listed_labels),
}


def extract_file(predictions: Path, out: Path, extractor: str) -> Extracted:
    """Write ``predictions`` (name, response, perhaps epoch) with their labels to ``out``, as JSON lines."""
    if extractor not in EXTRACTORS:
        raise UsageError(f"--extractor is one of {', '.join(EXTRACTORS)}, not {extractor!r}.")
    identity, find = EXTRACTORS[extractor]
    known = _known(out, identity)
    lines, reused, empty = [], 0, 0
    for name, response, epoch in read_columns(predictions, ("name", "response"), optional="epoch"):
        if not isinstance(response, str):
            raise UsageError(f"{predictions}: the response of {name!r} is no text.")
        labels = known.get(response)
        reused += labels is not None
        labels = list(find(response)) if labels is None else labels
        empty += not labels
        row: dict[str, Any] = {} if epoch is None else {"epoch": epoch}
        row |= {"name": name, "response": response, "openset": labels, "extractor": identity}
        lines.append(json.dumps(row, ensure_ascii=False))
    try:
        write_text(out, (f"{line}\n" for line in lines))
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from None
    return Extracted(len(lines), reused, empty)


def _known(out: Path, identity: str) -> dict[str, list[str]]:
    """Labels by response, of answers that the same extractor has already given."""
    if not out.exists():
        return {}
    found: dict[str, list[str]] = {}
    for number, line in enumerate(out.read_text(encoding="utf-8").split("\n"), 1):
        try:
            row: Any = json.loads(line) if line.strip() else None
        except ValueError:
            raise UsageError(f"{out}, line {number}: this is not JSON; name another file with --out.") from None
        if isinstance(row, dict) and row.get("extractor") == identity:
            found[row["response"]] = row["openset"]
    return found
