from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from hypothesis import given
from hypothesis import strategies as st

from mercap.affectgpt.presets import tiny
from mercap.affectgpt.tokenizer import byte_tokenizer, check_tokenizer, load_tokenizer
from mercap.errors import UsageError

TOKENIZER = byte_tokenizer()


@given(st.text())
def test_any_text_comes_back_as_it_went_in(text: str) -> None:
    ids = TOKENIZER(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert TOKENIZER.decode(ids) == text
    assert len(ids) == len(text.encode())


def test_a_saved_tokenizer_reads_the_same(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    assert again("glad, 高兴")["input_ids"] == TOKENIZER("glad, 高兴")["input_ids"]
    assert (again.pad_token_id, again.bos_token_id, again.eos_token_id) == (0, 1, 2)


def test_the_tiny_preset_and_the_bytes_fit_together() -> None:
    config = tiny().text_config
    check_tokenizer(TOKENIZER, tiny())
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (0, 1, 2)


def test_a_placeholder_that_is_somebody_elses_token_is_refused() -> None:
    with pytest.raises(UsageError, match=r"face_token_id 67 is the tokenizer's 'a'; .* such as 259"):
        check_tokenizer(TOKENIZER, tiny(face_token_id=67))


def test_a_tokenizer_larger_than_the_embeddings_is_refused() -> None:
    config = tiny()
    config.text_config.vocab_size = 200
    with pytest.raises(UsageError, match="ids up to 258, the language model knows 200"):
        check_tokenizer(TOKENIZER, config)


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no tokenizer that can be read"):
        load_tokenizer(tmp_path)
