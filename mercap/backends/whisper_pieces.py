"""What faster-whisper reports, as records: pieces of text with their times, cut off at the end of the sound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from faster_whisper.transcribe import Segment as WhisperSegment
from faster_whisper.transcribe import Word as WhisperWord

from mercap.records import Segment, Word


class Piece(NamedTuple):
    """``end_s`` is where the sound ends that the model was given: the clip's end, or its window's."""

    found: WhisperSegment
    end_s: float


def real(pieces: Iterable[Piece]) -> list[Piece]:
    """Without empty ones, and those behind the end of the sound: the model hears 30 s, and invents in the padding."""
    return [piece for piece in pieces if piece.found.text.strip() and piece.found.start < piece.end_s]


def segment(piece: Piece) -> Segment:
    return Segment(
        start_s=round(piece.found.start, 3),
        end_s=_time(piece.found.end, piece.end_s),
        text=piece.found.text.strip(),
        confidence=confidence([piece]),
        words=tuple(_word(word, piece.end_s) for word in piece.found.words or () if word.word.strip()),
    )


def confidence(pieces: Sequence[Piece]) -> float:
    """The geometric mean of the probabilities of all tokens."""
    tokens = [max(len(piece.found.tokens), 1) for piece in pieces]
    mean = sum(piece.found.avg_logprob * count for piece, count in zip(pieces, tokens, strict=True)) / sum(tokens)
    return _ratio(math.exp(mean))


def _word(word: WhisperWord, end_s: float) -> Word:
    return Word(
        start_s=_time(word.start, end_s),
        end_s=_time(word.end, end_s),
        text=word.word.strip(),
        confidence=_ratio(word.probability),
    )


def _time(seconds: float, end_s: float) -> float:
    return round(min(float(seconds), end_s), 3)


def _ratio(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 4)
