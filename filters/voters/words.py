"""The voter that reads the transcript with the lexicon. English only; costs about 10 microseconds per word."""

from __future__ import annotations

from mercap import ballot
from mercap.cues.evidence import read_words
from mercap.cues.injection import reads_like_instruction
from mercap.errors import NothingToDo
from mercap.media.subtitles import guess_language
from mercap.records import Emotion, Transcript, Vote

GAIN = 3.0  # one strong word (0.8) against six silent classes gives it a probability of 0.60
PLAIN = 0.3  # words without any emotion lean to neutral: 0.29


def vote(transcript: Transcript | None) -> Vote:
    """Probabilities from the emotion words found, as sure as the recogniser was of the words.

    Abstains (`NothingToDo`): ``no_words`` without words, ``unread_words`` with words in another script than Latin,
    which the lexicon cannot read, and with words that look like an instruction to a model.
    """
    text = transcript.text if transcript else ""
    if transcript is None or not text.strip():
        raise NothingToDo("no_words")
    if guess_language(text) != "en" or reads_like_instruction(text):
        raise NothingToDo("unread_words")
    reading = read_words(transcript)
    confidence = 1.0 if transcript.confidence is None else transcript.confidence
    scores = {Emotion.NEUTRAL: PLAIN, **reading.scores}
    return ballot.vote("words", {emotion: GAIN * confidence * score for emotion, score in scores.items()})
