"""Placeholders and the soft tokens that replace them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.placeholders import placeholder_mask  # noqa: E402
from mercap.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build()


def test_soft_tokens_take_the_places_of_the_placeholders_and_words_stay(model: Any) -> None:
    clips = batches.features(model.config, 2)
    ids = batches.row(batches.prompt(model.config, 5, 6), [1, 7, *model.config.clip_tokens, 8])
    words = model.embed(ids, **clips)
    soft = model.bridge(**clips)
    table = model.get_input_embeddings().weight
    assert torch.equal(words[0, 1:4], soft[0])
    assert torch.equal(words[1, 2:5], soft[1])
    assert torch.equal(words[0, [0, 4, 5]], table[[1, 5, 6]])
    assert torch.equal(words[1, [0, 1, 5]], table[[1, 7, 8]])


def test_placeholders_may_lie_outside_the_vocabulary() -> None:
    config = batches.vivid(fused_token_id=9_000, audio_token_id=9_001, face_token_id=9_002)
    model = batches.build(config)
    logits = model(input_ids=batches.row(batches.prompt(config, 5)), **batches.features(config, 1)).logits
    assert logits.shape == (1, 5, 272)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([1, 269, 270, 5], "Row 0 has 0 placeholders of 'face', expected 1"),
        ([1, 269, 270, 270, 271], "Row 0 has 2 placeholders of 'audio', expected 1"),
        ([1, 5, 6], "Row 0 has 0 placeholders of 'fused'"),
        ([1, 270, 269, 271], "not in the order of stream_order: fused, audio, face"),
        ([269, 270, 271, 5, 269, 270, 271], "placeholders of 2 clips, but there are features of 1"),
    ],
)
def test_placeholders_that_do_not_fit_are_a_sentence(model: Any, ids: list[int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        model.embed(batches.row(ids), **batches.features(model.config, 1))


def test_a_mask_from_the_host_gives_the_same_and_must_fit(model: Any) -> None:
    ids, clips = batches.row(batches.prompt(model.config, 5)), batches.features(model.config, 1)
    mask = placeholder_mask(ids, model.config, clips=1)
    assert torch.equal(model.embed(ids, **clips, soft_mask=mask), model.embed(ids, **clips))
    mask[0, 0] = True
    with pytest.raises(UsageError, match="soft_mask has 4 places, but 1 clips have 3"):
        model.embed(ids, **clips, soft_mask=mask)


@given(words=st.lists(st.lists(st.integers(1, 120), max_size=4), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_a_mask_has_a_place_for_every_token_of_every_clip_however_they_are_packed(words: list[list[int]]) -> None:
    config = batches.vivid(fused_tokens=2)
    packed = [token for text in words for token in (*config.clip_tokens, *text)]
    mask = placeholder_mask(batches.row(packed), config, clips=len(words))
    assert int(mask.sum()) == 4 * len(words)
    assert mask[0].tolist() == [token >= 269 for token in packed]
