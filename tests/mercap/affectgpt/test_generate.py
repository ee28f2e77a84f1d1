"""Answers, greedy and batched."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.model import AffectGPTForConditionalGeneration  # noqa: E402
from mercap.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build()


def greedy(model: Any, ids: list[int], clip: dict[str, Any], count: int) -> list[int]:
    """The answer by whole forward passes, one argmax at a time, without a cache.

    What was answered is read as words, even where a random model happens to say a placeholder's id.
    """
    words, answer = model.embed(batches.row(ids), **clip), []
    for _ in range(count):
        logits = model(inputs_embeds=words, use_cache=False).logits
        answer.append(int(logits[0, -1].argmax()))
        words = torch.cat([words, model.get_input_embeddings()(batches.row(answer[-1:]))], dim=1)
    return answer


def test_generation_equals_one_argmax_after_another(model: Any) -> None:
    for seed in range(3):
        ids, clip = batches.prompt(model.config, 5, 6, 7), batches.features(model.config, 1, seed)
        expected = greedy(model, ids, clip, 6)
        found = model.generate(batches.row(ids), **clip, max_new_tokens=6, eos_token_id=None)
        assert found.tolist() == [expected]


def test_padding_on_the_left_leaves_greedy_answers_as_they_are_and_on_the_right_does_not(model: Any) -> None:
    rows = [batches.prompt(model.config, *range(5, 5 + words)) for words in (1, 4, 9)]
    clips = batches.features(model.config, 3)
    alone = [
        model.generate(batches.row(ids), **batches.one(clips, number), max_new_tokens=6, eos_token_id=None)[0].tolist()
        for number, ids in enumerate(rows)
    ]
    ids, mask = batches.padded_left(rows)
    together = model.generate(ids, attention_mask=mask, **clips, max_new_tokens=6, eos_token_id=None)
    assert together.tolist() == alone
    width = ids.shape[1]
    right = torch.tensor([row + [batches.PAD] * (width - len(row)) for row in rows])
    words = model.embed(right, **clips)
    mask = (right != batches.PAD).long()
    wrong = model.language_model.generate(
        inputs_embeds=words, attention_mask=mask, max_new_tokens=6, eos_token_id=None, pad_token_id=0
    )
    assert wrong[0].tolist() != alone[0]
    assert wrong[2].tolist() == alone[2]  # the longest has no padding
    with pytest.raises(UsageError, match="pad on the left"):
        model.generate(right, attention_mask=mask, **clips)


def test_answers_are_greedy_even_where_the_language_model_was_published_to_sample() -> None:
    config = batches.vivid()
    torch.manual_seed(0)
    talker = transformers.AutoModelForCausalLM.from_config(config.text_config)
    talker.generation_config.update(do_sample=True, temperature=5.0, eos_token_id=[2, 3])
    model = AffectGPTForConditionalGeneration.around(config, talker).eval()
    ids, clip = batches.prompt(config, 5), batches.features(config, 1)
    expected = greedy(model, ids, clip, 8)
    expected = expected[: next((n + 1 for n, token in enumerate(expected) if token in (2, 3)), 8)]
    assert model.generate(batches.row(ids), **clip, max_new_tokens=8)[0].tolist() == expected
    assert model.generation_config.eos_token_id == [2, 3]
