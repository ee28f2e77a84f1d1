"""Voters: each reads one modality and answers with probabilities over emotions and sentiments."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from filters.voters import face, voice, words
from mercap.records import Vote


class Voter(NamedTuple):
    """``vote`` takes the records of the stages in ``reads``, in that order; ``None`` for one that is absent.

    ``version`` is part of the vote's cell id: raise it (here and in `mercap.stages`) when answers change.
    """

    name: str
    reads: tuple[str, ...]
    version: int
    vote: Callable[..., Vote]


VOTERS: dict[str, Voter] = {
    "words": Voter("words", ("transcribe",), 1, words.vote),
    "voice": Voter("voice", ("measure",), 1, voice.vote),
    "face": Voter("face", ("measure",), 1, face.vote),
}
