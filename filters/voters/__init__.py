"""Voters: each reads one modality and answers with probabilities over emotions and sentiments."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from filters.voters import face, voice, words
from mercap.records import Vote
from mercap.stages import EMBEDDED_VOTERS


class Voter(NamedTuple):
    """``vote`` takes the records of the stages in ``reads``, in that order; ``None`` for one that is absent.

    ``reads`` and ``version`` enter the vote's cell id and come from `mercap.stages.EMBEDDED_VOTERS`; raise the version
    there when answers change.
    """

    name: str
    reads: tuple[str, ...]
    version: int
    vote: Callable[..., Vote]


VOTERS: dict[str, Voter] = {
    "words": Voter("words", *EMBEDDED_VOTERS["words"], words.vote),
    "voice": Voter("voice", *EMBEDDED_VOTERS["voice"], voice.vote),
    "face": Voter("face", *EMBEDDED_VOTERS["face"], face.vote),
}
