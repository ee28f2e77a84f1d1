from __future__ import annotations

import re
from string import Formatter
from typing import get_args

import pytest
from hypothesis import given

from mercap.cues import audio, phrases_en, phrases_zh, visual
from mercap.cues.observation import PHRASES, Language
from mercap.cues.phrases import Phrases
from mercap.measures.norms import norms_digest
from mercap.records import Cue, Emotion, Measures
from mercap.roles import EmbeddedDescriber
from mercap.vocabulary.lexicon import find
from tests.mercap.cues.measured import EXTREMES, MEASURES

EN, ZH = phrases_en.PHRASES, phrases_zh.PHRASES
LANGUAGES: tuple[Language, ...] = ("en", "zh")
UNITS = re.compile(r"dBFS|dB|Hz")
FEELINGS_ZH = re.compile("[喜怒哀乐悲愁愤恨惊恐惧怕厌恶]|高兴|开心|快乐|伤心|难过|生气|平静|情绪|男|女|老|少年|青年|孩")
FEELINGS_EN = re.compile(rf"\b(?:{'|'.join(Emotion)}|angr\w+|joy\w*|fear\w*|surpris\w+|disgust\w*|m[ae]n|wom[ae]n)\b")
HALF_WIDTH = re.compile(r"[,;:!?()]|\.(?!\d)")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def cues(measures: Measures, language: Language) -> tuple[Cue, Cue]:
    return visual.describe(measures, language), audio.describe(measures, language)


def test_both_languages_have_the_same_phrases_with_the_same_numbers() -> None:
    for part in ("told", "frames"):
        english, chinese = getattr(EN, part), getattr(ZH, part)
        assert {key: placeholders(text) for key, text in english.items()} == {
            key: placeholders(text) for key, text in chinese.items()
        }


def test_every_observation_has_a_short_english_name() -> None:
    assert set(phrases_en.NAMES) == {phrase.partition(".")[0] for phrase in EN.told}


@pytest.mark.parametrize("text", [*EN.told.values(), *EN.frames.values(), *phrases_en.NAMES.values()])
def test_no_english_phrase_names_a_feeling_or_a_kind_of_person(text: str) -> None:
    assert find(re.sub(r"\{.*?\}", "", text)) == []
    assert FEELINGS_EN.search(text) is None


@pytest.mark.parametrize("text", ZH.told.values())
def test_no_chinese_phrase_names_a_feeling_or_a_kind_of_person(text: str) -> None:
    assert FEELINGS_ZH.search(text) is None


def test_a_count_chooses_the_wording() -> None:
    phrases = Phrases({"seen": "{n:# frame|# frames}, {n:is one|are #}, {share:.0%}"}, {}, "", "")
    assert phrases.say("seen", {"n": 1, "share": 0.5}) == "1 frame, is one, 50%"
    assert phrases.say("seen", {"n": 2, "share": 0.5}) == "2 frames, are 2, 50%"


def test_a_missing_number_is_an_error() -> None:
    with pytest.raises(KeyError):
        EN.say("smile", {"smile_frames": 3})


@given(MEASURES)
def test_every_description_is_whole_sentences_in_both_languages(measures: Measures) -> None:
    for language in LANGUAGES:
        for cue in cues(measures, language):
            assert cue.language == language
            if cue.text:
                assert cue.text.endswith("." if language == "en" else "。")
            assert not set(cue.text) & set("{}|#_\n")
            assert "  " not in cue.text
            assert "None" not in cue.text
            assert all(item.text and item.text in cue.text for item in cue.evidence)


@given(MEASURES)
def test_chinese_text_has_no_latin_words_but_units_and_no_half_width_stops(measures: Measures) -> None:
    for cue in cues(measures, "zh"):
        assert re.search("[A-Za-z]", UNITS.sub("", cue.text)) is None
        assert HALF_WIDTH.search(cue.text) is None


@given(MEASURES)
def test_the_language_changes_nothing_but_the_words(measures: Measures) -> None:
    for english, chinese in zip(cues(measures, "en"), cues(measures, "zh"), strict=True):
        assert [item.model_dump(exclude={"text"}) for item in english.evidence] == [
            item.model_dump(exclude={"text"}) for item in chinese.evidence
        ]


def test_no_phrase_is_never_told() -> None:
    told = {
        item.observation for measures in EXTREMES for cue in cues(Measures(**measures), "en") for item in cue.evidence
    }
    assert told == set(phrases_en.NAMES)


def test_the_recipe_offers_the_languages_that_there_are() -> None:
    assert get_args(EmbeddedDescriber.model_fields["language"].annotation) == tuple(PHRASES)


def test_language_and_norms_are_part_of_what_a_description_means() -> None:
    english, chinese = EmbeddedDescriber().identity(), EmbeddedDescriber(language="zh").identity()
    assert english == {"backend": "embedded", "language": "en", "norms": norms_digest()}
    assert chinese == {**english, "language": "zh"}
