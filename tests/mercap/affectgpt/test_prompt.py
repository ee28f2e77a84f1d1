from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from hypothesis import given
from hypothesis import strategies as st

from mercap.affectgpt.presets import affectgpt_2024, tiny
from mercap.affectgpt.prompt import PromptWriter
from mercap.errors import UsageError
from prompts import Prompt
from tests.mercap.affectgpt.wording import TOKENIZER, examples, writer

EXAMPLE = examples()[0]._replace(subtitle="I am fine.", labels=("sad", "tired"), description="Her voice drops.")
SPECIAL = set(range(3))


def read(ids: list[int]) -> str:
    return TOKENIZER.decode([one for one in ids if one < 259])


@pytest.mark.parametrize("name", ["train/v1.en", "train/v1.zh"])
def test_the_soft_places_stand_once_in_the_order_of_the_model(name: str) -> None:
    config = tiny(fused_tokens=2, face_tokens=3)
    ids = writer(config, name).question(EXAMPLE.clip, "hello", "labels").ids
    assert [one for one in ids if one >= 259] == config.clip_tokens


def test_an_example_is_its_question_followed_by_the_answer_and_an_end() -> None:
    asked = writer().question(EXAMPLE.clip, EXAMPLE.subtitle, "labels")
    row = writer().example(EXAMPLE, "labels")
    assert row.ids[: -row.supervised] == asked.ids
    assert asked.supervised == 0
    assert read(row.ids[-row.supervised : -1]) == "The emotional state of this person is sad, tired."
    assert row.ids[-1] == TOKENIZER.eos_token_id


def test_the_question_decides_what_is_asked_and_answered() -> None:
    rows = {target: writer().example(EXAMPLE, target) for target in ("description", "labels")}
    assert "name every feeling" in read(rows["labels"].ids)
    assert "explain what this person feels" in read(rows["description"].ids)
    assert read(rows["description"].ids[-rows["description"].supervised : -1]) == "Her voice drops."


def test_a_prompt_begins_with_the_beginning_of_text_where_the_model_has_one() -> None:
    without = tiny()
    without.text_config.bos_token_id = None
    with_start, bare = writer().question("c", "", "labels").ids, writer(without).question("c", "", "labels").ids
    assert with_start == [tiny().text_config.bos_token_id, *bare]


def test_nothing_is_said_of_words_where_there_are_none() -> None:
    assert "words that are said" not in read(writer().question("c", "", "labels").ids)
    assert "words that are said: hi." in read(writer().question("c", " hi\n", "labels").ids)


def test_streams_the_model_lacks_are_not_mentioned() -> None:
    config = tiny(fusion="none", fused_tokens=0, face_tokens=0)
    ids = writer(config).question("c", "", "labels").ids
    assert "Pictures" not in read(ids)
    assert [one for one in ids if one >= 259] == [config.audio_token_id]


@given(st.text(max_size=40), st.sampled_from(["<pad>", "<start>", "<end>", "{face}", "[after] ", "{labels}"]))
def test_what_strangers_wrote_never_becomes_a_special_token(words: str, spelt: str) -> None:
    said = f"{words} {spelt}"
    row = writer().example(EXAMPLE._replace(subtitle=said, description=said, labels=(said,)), "description")
    inner = row.ids[1:-1]
    assert not SPECIAL & set(inner)
    assert [one for one in inner if one >= 259] == tiny().clip_tokens


def test_a_missing_target_is_an_error_naming_the_clip() -> None:
    with pytest.raises(UsageError, match="clip_0 has no labels"):
        writer().example(EXAMPLE._replace(labels=()), "labels")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[before] a\nno part", "line 2: expected \\[name\\] text"),
        ("[hello] a", "line 1: expected \\[name\\] text, name one of after, audio"),
        ("[fused] {fused}", "must have each of"),
        ("[fused] here\n[audio] {audio}\n[face] {face}\n", "the part 'fused' must have {fused} once"),
    ],
)
def test_a_prompt_file_that_does_not_fit_says_where(text: str, why: str) -> None:
    rest = "" if "no part" in text or "hello" in text else "[subtitle] {subtitle}\n[description] d\n[labels] l\n"
    whole = f"{text}{rest}[after] :\n[named] {{labels}}" if rest else text
    whole = text if why == "must have each of" else whole
    with pytest.raises(UsageError, match=why):
        PromptWriter(TOKENIZER, tiny(), Prompt("mine", whole, ""))


def test_streams_are_mentioned_in_the_order_of_the_model() -> None:
    ids = writer(affectgpt_2024()).question("c", "", "labels").ids
    assert [one for one in ids if one >= 32_000] == affectgpt_2024().clip_tokens
    text = read(ids)
    assert text.index("Pictures of the face") < text.index("The voice")
