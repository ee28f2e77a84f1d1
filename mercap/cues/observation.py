"""What was observed, in no language yet; and how a list of it is put into words.

The describers decide what is worth telling, with which numbers and for which emotions; the phrases of a language
(`phrases_en`, `phrases_zh`) only say it. So every language tells the same. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from mercap.cues import phrases_en, phrases_zh
from mercap.cues.phrases import Phrases
from mercap.records import Cue, Emotion, Evidence

Language = Literal["en", "zh"]
PHRASES: dict[Language, Phrases] = {"en": phrases_en.PHRASES, "zh": phrases_zh.PHRASES}


@dataclass(frozen=True)
class Observation:
    """One thing seen or heard; ``values`` are what its phrase may tell, by the names of the measures.

    ``variant`` chooses among several phrases of one key; observations with the same ``part_of`` share a sentence.
    """

    key: str
    values: Mapping[str, float] = field(default_factory=dict)
    emotions: tuple[Emotion, ...] = ()
    strength: float = 0.0
    variant: str = ""
    part_of: str = ""

    @property
    def phrase(self) -> str:
        return f"{self.key}.{self.variant}" if self.variant else self.key


def put_into_words(modality: str, observations: Sequence[Observation], language: Language) -> Cue:
    """A cue whose evidence are the observations in the same order, each with its own words."""
    phrases = PHRASES[language]
    evidence = tuple(_evidence(observation, phrases) for observation in observations)
    sentences: list[str] = []
    for frame, group in groupby(zip(observations, evidence, strict=True), key=lambda pair: pair[0].part_of):
        texts = [told.text for _, told in group]
        sentences += [phrases.join(frame, texts)] if frame else texts
    return Cue(modality=modality, text=phrases.between.join(sentences), language=language, evidence=evidence)


def _evidence(observation: Observation, phrases: Phrases) -> Evidence:
    """Evidence for no emotion has no strength."""
    return Evidence(
        observation=observation.key,
        text=phrases.say(observation.phrase, observation.values),
        emotions=observation.emotions,
        strength=round(observation.strength, 3) if observation.emotions else 0.0,
    )
