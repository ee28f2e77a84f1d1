"""Read supplied subtitles: SRT, WebVTT, or plain text, into segments of text with times.

Subtitles come from many hands, so the parser is tolerant: byte-order marks, any line ends, missing numbers
and blank lines, hours left out, comma or dot before the milliseconds, markup in angle brackets and
``{\\an8}``. Costs microseconds per line and needs nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from mercap.errors import CellFailure
from mercap.records import Segment

SIZE_MAX = 256 * 1024  # bytes; a feature film has about a third of it
CJK_SHARE = 0.3  # of all letters
WHITE = "\t\r\n\f\v\x85"
TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?"
TIMES = re.compile(rf"\s*{TIME}\s*-{{1,2}}>\s*{TIME}(?:\s|$)", re.ASCII)
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<\d[\d:.]{0,20}>|\{\\[^{}]{0,200}\}", re.ASCII)
HEADING = re.compile(r"WEBVTT(?:[ \t]|$)")
SKIPPED_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)")


def read_subtitle(data: bytes) -> str:
    """Text of a subtitle file; `CellFailure` ``bad_subtitle`` unless it is UTF-8 text of at most 256 KiB."""
    if len(data) > SIZE_MAX:
        raise CellFailure("bad_subtitle", f"The subtitle has {len(data)} bytes; the limit is {SIZE_MAX}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CellFailure(
            "bad_subtitle", f"The subtitle is not UTF-8 text (byte {error.start}); convert it to UTF-8."
        ) from None
    _check_printable(text)
    return text


def parse_subtitle(text: str, name: str, duration_s: float = 0.0) -> tuple[Segment, ...]:
    """Segments of ``text`` in order of their start; text without time lines is one segment of the whole clip.

    ``name`` is a file name or a column name, for messages only; ``duration_s`` is the length of the clip.
    Segments without words are left out, so the answer can be empty. Raises `CellFailure` ``bad_subtitle``.
    """
    _check_printable(text)
    lines = text.removeprefix("\ufeff").splitlines()
    for line in lines:
        if "-->" in line and not TIMES.match(line):
            shape = "00:00:00,000 --> 00:00:00,000"
            raise CellFailure("bad_subtitle", f"A time line of {name} is not like {shape}: {_short(line)}")
    cues = list(_cues(lines, name))
    if cues or (lines and HEADING.match(lines[0])):
        return tuple(sorted((cue for cue in cues if cue.text), key=lambda cue: (cue.start_s, cue.end_s)))
    words = _clean(lines)
    return (Segment(start_s=0.0, end_s=max(duration_s, 0.0), text=words),) if words else ()


def guess_language(text: str) -> str | None:
    """``zh`` or ``en`` by script, ``None`` when there are no letters of either.

    A test of the script, not of the language: any text in Latin letters counts as ``en`` and Japanese with
    enough Han characters as ``zh``. Good enough to choose between the two languages this project has prompts
    for.
    """
    han = sum("\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" for character in text)
    latin = sum(character.isascii() and character.isalpha() for character in text)
    if not han + latin:
        return None
    return "zh" if han / (han + latin) >= CJK_SHARE else "en"


def _check_printable(text: str) -> None:
    if "\0" in text:
        raise CellFailure("bad_subtitle", "The subtitle holds NUL bytes; it is not a text file.")
    control = sum(character not in WHITE and unicodedata.category(character) == "Cc" for character in text)
    if control > len(text) / 100:
        raise CellFailure("bad_subtitle", "The subtitle is full of control characters; it is no text file.")


def _cues(lines: list[str], name: str) -> Iterator[Segment]:
    """One segment per time line; its text runs to the next time line."""
    webvtt = bool(lines and HEADING.match(lines[0]))
    starts = [number for number, line in enumerate(lines) if TIMES.match(line)]
    for start, following in zip_longest(starts, starts[1:]):
        parts = TIMES.split(lines[start])[1:9]
        begin_s, end_s = _seconds(parts[:4]), _seconds(parts[4:])
        if end_s < begin_s:
            raise CellFailure("bad_subtitle", f"{name} has times that run backwards: {_short(lines[start])}")
        body = lines[start + 1 : following]
        if following is not None and _is_cue_name(body, webvtt):
            body = body[:-1]
        yield Segment(start_s=begin_s, end_s=end_s, text=_clean(_without_blocks(body) if webvtt else body))


def _is_cue_name(body: list[str], webvtt: bool) -> bool:
    """Is the line above the next time line its number (SRT) or any name after a blank line (WebVTT)?"""
    if not body or not body[-1].strip():
        return False
    behind_blank = len(body) > 1 and not body[-2].strip()
    return body[-1].strip().isdecimal() or (webvtt and behind_blank)


def _without_blocks(lines: list[str]) -> list[str]:
    """Drop comments and style sheets of WebVTT: a keyword after a blank line, to the next blank line."""
    kept: list[str] = []
    skipping = False
    for number, line in enumerate(lines):
        if not line.strip():
            skipping = False
        elif SKIPPED_BLOCK.match(line) and number and not lines[number - 1].strip():
            skipping = True
        if not skipping:
            kept.append(line)
    return kept


def _clean(lines: list[str]) -> str:
    return " ".join(html.unescape(TAG.sub("", " ".join(lines))).split())


def _short(line: str) -> str:
    return line.strip()[:60]


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole + (float(f"0.{fraction}") if fraction else 0.0)
