"""The loss: supervised tokens alone, their number, packed clips."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build()


def test_the_loss_of_supervised_places_equals_the_loss_of_all_logits() -> None:
    model = batches.build(dtype=torch.float64)
    ids, mask = batches.padded_left([batches.prompt(model.config, *words) for words in ((5, 6, 7, 8), (9, 10))])
    clips = batches.features(model.config, 2, dtype=torch.float64)
    labels = batches.labels_of(ids, [3, 1])
    output = model(input_ids=ids, attention_mask=mask, labels=labels, **clips)
    logits = model(input_ids=ids, attention_mask=mask, **clips).logits
    full = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum"
    )
    assert output.loss.item() == pytest.approx(full.item() / 4, abs=1e-12)
    assert output.logits.shape == (2, 3, 272)  # of eight places, the three that some row predicts from


def test_a_packed_row_computes_no_logits_but_the_supervised(model: Any) -> None:
    rows: list[int] = []
    head = model.language_model.get_output_embeddings()
    watch = head.register_forward_pre_hook(lambda _module, given: rows.append(given[0].shape[:-1].numel()))
    ids = batches.row([*batches.prompt(model.config, 5, 6), *batches.prompt(model.config, 7, 8, 9)])
    labels = torch.full_like(ids, -100)
    labels[0, [5, 10, 11]] = ids[0, [5, 10, 11]]
    try:
        model(input_ids=ids, labels=labels, **batches.features(model.config, 2))
    finally:
        watch.remove()
    assert rows == [3]


def test_parts_of_a_batch_add_up_to_the_batch_and_a_mean_of_means_does_not() -> None:
    model = batches.build(dtype=torch.float64)
    rows = [batches.prompt(model.config, *range(5, 5 + words)) for words in (4, 4, 4)]
    ids, clips = torch.tensor(rows), batches.features(model.config, 3, dtype=torch.float64)
    labels = batches.labels_of(ids, [1, 2, 4])
    whole = model(input_ids=ids, labels=labels, **clips).loss
    gradient = torch.autograd.grad(whole, model.bridge.projectors["fused"].weight)[0]
    parts = [
        model(input_ids=ids[[n]], labels=labels[[n]], num_items=7, **batches.one(clips, n)).loss
        for n in range(len(rows))
    ]
    summed = torch.stack(parts).sum()
    assert summed.item() == pytest.approx(whole.item(), abs=1e-12)
    again = torch.autograd.grad(summed, model.bridge.projectors["fused"].weight)[0]
    assert torch.allclose(again, gradient, atol=1e-12, rtol=0)
    means = [
        model(input_ids=ids[[n]], labels=labels[[n]], **batches.one(clips, n)).loss.item() for n in range(len(rows))
    ]
    assert abs(sum(means) / 3 - whole.item()) > 1e-3


def test_the_number_of_items_may_come_under_the_trainers_name_and_as_a_tensor(model: Any) -> None:
    ids, clips = batches.row(batches.prompt(model.config, 5, 6)), batches.features(model.config, 1)
    labels = batches.labels_of(ids, [2])
    ours = model(input_ids=ids, labels=labels, num_items=8, **clips).loss
    trainers = model(input_ids=ids, labels=labels, num_items_in_batch=torch.tensor(8), **clips).loss
    assert torch.equal(ours, trainers)
    assert torch.allclose(4 * ours, model(input_ids=ids, labels=labels, **clips).loss)


def test_places_made_on_the_host_give_the_same_loss(model: Any) -> None:
    ids, clips = batches.row(batches.prompt(model.config, 5, 6, 7)), batches.features(model.config, 1)
    labels = batches.labels_of(ids, [2])
    expected = model(input_ids=ids, labels=labels, **clips).loss
    for places in (torch.tensor([4, 5]), 0, 4):
        found = model(input_ids=ids, labels=labels, logits_to_keep=places, **clips).loss
        assert torch.allclose(found, expected), places


def test_a_batch_without_supervision_and_a_number_of_no_items_are_sentences(model: Any) -> None:
    ids, clips = batches.row(batches.prompt(model.config, 5)), batches.features(model.config, 1)
    with pytest.raises(UsageError, match="No token of the batch is supervised"):
        model(input_ids=ids, labels=torch.full_like(ids, -100), **clips)
    with pytest.raises(UsageError, match="num_items must be above 0"):
        model(input_ids=ids, labels=batches.labels_of(ids, [1]), num_items=0, **clips)


def packed(model: Any, rows: list[list[int]]) -> tuple[Any, Any]:
    ids = torch.tensor([[token for row in rows for token in row]])
    return ids, torch.cat([torch.arange(len(row)) for row in rows]).unsqueeze(0)


def test_clips_packed_with_restarted_positions_do_not_see_each_other_and_without_they_do() -> None:
    model = batches.build(dtype=torch.float64)
    rows = [batches.prompt(model.config, *range(5, 5 + words)) for words in (2, 6, 3)]
    clips = batches.features(model.config, 3, dtype=torch.float64)
    ids, positions = packed(model, rows)
    labels = torch.where(ids > 4, ids, -100).masked_fill(ids > 124, -100)
    alone = [model(input_ids=batches.row(ids), **batches.one(clips, n)).logits[0] for n, ids in enumerate(rows)]
    together = model(input_ids=ids, position_ids=positions, labels=labels, logits_to_keep=0, **clips)
    assert torch.allclose(together.logits[0], torch.cat(alone), atol=1e-12, rtol=0)
    leaking = model(input_ids=ids, position_ids=None, labels=labels, logits_to_keep=0, **clips)
    assert (leaking.logits[0] - torch.cat(alone)).abs().max() > 0.1


def test_the_gradient_of_packed_clips_is_the_sum_of_theirs() -> None:
    model = batches.build(dtype=torch.float64)
    rows = [batches.prompt(model.config, *range(5, 5 + words)) for words in (2, 5)]
    clips = batches.features(model.config, 2, dtype=torch.float64)
    weights = [model.bridge.fusion.mix.weight, model.language_model.model.layers[0].self_attn.k_proj.weight]
    ids, positions = packed(model, rows)
    supervised = torch.where((ids > 4) & (ids < 269), ids, -100)
    loss = model(input_ids=ids, position_ids=positions, labels=supervised, num_items=7, **clips).loss
    parts = [
        model(input_ids=(row := torch.tensor([ids])), labels=batches.labels_of(row, [len(ids) - 4]), num_items=7,
              **batches.one(clips, n)).loss
        for n, ids in enumerate(rows)
    ]  # fmt: skip
    for found, expected in zip(
        torch.autograd.grad(loss, weights), torch.autograd.grad(sum(parts), weights), strict=True
    ):
        assert torch.allclose(found, expected, atol=1e-12, rtol=0)
