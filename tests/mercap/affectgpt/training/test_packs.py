"""What comes when."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.affectgpt.training.options import fast, paper
from mercap.affectgpt.training.packs import pack_lengths, plan_epoch, plan_steps
from mercap.errors import UsageError
from tests.mercap.affectgpt.training.draws import Lengths

LENGTHS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=80)


@given(lengths=LENGTHS, epoch=st.integers(0, 5), window=st.integers(1, 30))
def test_every_example_is_in_an_epoch_once_and_no_pack_holds_too_much(
    lengths: list[tuple[int, int]], epoch: int, window: int
) -> None:
    data, options = Lengths(lengths), fast(steps=1, pack_tokens=64, pack_window=window)
    plan = plan_epoch(data, options, epoch)
    packs = [plan.batch(number) for number in range(plan.batches)]
    assert sorted(draw.place for pack in packs for draw in pack) == list(range(len(data)))
    assert all(0 < sum(data.length(*draw) for draw in pack) <= 64 for pack in packs)


@given(lengths=LENGTHS, batch=st.integers(1, 7))
def test_padded_batches_hold_everything_once_in_the_order_drawn(lengths: list[tuple[int, int]], batch: int) -> None:
    plan = plan_epoch(Lengths(lengths), paper(batch=batch), 0)
    sizes = [len(plan.batch(number)) for number in range(plan.batches)]
    assert sum(sizes) == len(lengths)
    assert all(size == batch for size in sizes[:-1])


@given(lengths=LENGTHS, accumulate=st.integers(1, 5), first=st.integers(0, 30))
def test_steps_from_the_middle_on_are_those_of_the_whole_run(
    lengths: list[tuple[int, int]], accumulate: int, first: int
) -> None:
    data, options = Lengths(lengths), fast(steps=30, pack_tokens=64, accumulate=accumulate)
    whole = list(plan_steps(data, options, 0))
    assert [one.step for one in whole] == list(range(30))
    assert list(plan_steps(data, options, first)) == whole[first:]


@given(lengths=LENGTHS, accumulate=st.integers(1, 5))
def test_an_epoch_of_steps_draws_each_example_once(lengths: list[tuple[int, int]], accumulate: int) -> None:
    """Also where the batches of an epoch are no multiple of those of a step."""
    data, options = Lengths(lengths), fast(steps=90, pack_tokens=64, accumulate=accumulate)
    drawn: dict[int, Counter[int]] = {}
    for one in plan_steps(data, options, 0):
        assert 1 <= len(one.batches) <= accumulate
        drawn.setdefault(one.epoch, Counter()).update(draw.place for batch in one.batches for draw in batch)
    for epoch, counted in drawn.items():
        if epoch < max(drawn):
            assert counted == Counter(range(len(data)))


def test_a_plan_is_known_by_its_digest() -> None:
    data = Lengths([(20, 5), (30, 6), (40, 7), (10, 8)] * 10)
    options = fast(steps=1, pack_tokens=64)
    changes: list[Any] = [
        plan_epoch(data, options, 0),
        plan_epoch(data, options, 1),
        plan_epoch(data, fast(steps=1, pack_tokens=64, seed=1), 0),
        plan_epoch(data, fast(steps=1, pack_tokens=65), 0),
        plan_epoch(Lengths([(21, 5), (30, 6), (40, 7), (10, 8)] * 10), options, 0),
    ]
    assert len({plan.digest for plan in changes}) == len(changes)
    assert plan_epoch(data, options, 0).digest == changes[0].digest


def test_targets_are_chosen_anew_in_every_epoch() -> None:
    data, options = Lengths([(20, 5)] * 64), fast(steps=1, pack_tokens=64)
    chosen = []
    for epoch in range(2):
        plan = plan_epoch(data, options, epoch)
        chosen.append({draw.place: draw.target for number in range(plan.batches) for draw in plan.batch(number)})
    changed = sum(chosen[0][place] != chosen[1][place] for place in range(64))
    assert 16 < changed < 48
    assert {*chosen[0].values()} == {"description", "labels"}


@given(lengths=st.lists(st.integers(1, 100), max_size=200), window=st.integers(1, 50))
def test_packs_of_any_lengths_lose_nothing(lengths: list[int], window: int) -> None:
    bins = pack_lengths(lengths, 100, window)
    assert sorted(place for one in bins for place in one) == list(range(len(lengths)))
    assert all(0 < sum(lengths[place] for place in one) <= 100 for one in bins)
    # No pack but the last few could have been poured into another: more than half of them are more than half full.
    assert sum(lengths) >= 50 * (len(bins) - 1) / 2


def test_a_window_hands_its_emptiest_pack_on() -> None:
    assert pack_lengths([60, 50, 40, 50], 100, window=2) == [[0], [1, 2], [3]]  # of 60 and 50, the 50 goes on
    assert pack_lengths([60, 50, 40, 50], 100, window=4) == [[0, 2], [1, 3]]


def test_long_and_short_answers_stay_mixed() -> None:
    """Packing by length would sort descriptions and labels apart."""
    data = Lengths([(280, 150)] * 2_000)
    plan = plan_epoch(data, fast(steps=1), 0)
    full = [plan.batch(number) for number in range(plan.batches - 1)]
    shares = [sum(draw.target == "labels" for draw in pack) / len(pack) for pack in full]
    assert sum(0.2 < share < 0.8 for share in shares) >= 0.95 * len(shares)


def test_packs_of_published_lengths_are_nearly_full() -> None:
    """Measured 98.6 % at 4,096 tokens in windows of 200; what is left over is paid for in time."""
    import numpy as np

    draw = np.random.default_rng(0)
    heads = 118 + draw.gamma(4, 4.5, 4_000)
    lengths = list(
        zip(
            (heads + draw.normal(145, 30, 4_000).clip(40, 300)).astype(int).tolist(),
            (heads + draw.normal(16, 4, 4_000).clip(6, 40)).astype(int).tolist(),
            strict=True,
        )
    )
    plan = plan_epoch(Lengths(lengths), fast(), 0)
    assert plan.lengths.sum() / (plan.batches * 4_096) > 0.97


def test_what_cannot_be_planned_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="pack_tokens is 64, but an example has 65 tokens"):
        plan_epoch(Lengths([(65, 65)]), fast(pack_tokens=64), 0)
    with pytest.raises(UsageError, match="no example to train on"):
        next(plan_steps(Lengths([]), fast(), 0))
