"""Random numbers that are functions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mercap.affectgpt.example import TARGETS
from mercap.affectgpt.training.order import choose_target, dropout_seed, permutation

ORDER = [6, 7, 2, 1, 0, 3, 4, 5]
CHOICES = ["labels", "description", "labels", "description", "labels", "description", "description", "labels"]
SEEDS = [5910823727984653262, 4755090950590250645]


@given(seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 1_000), count=st.integers(0, 60))
def test_an_order_holds_everything_once_and_is_drawn_again_alike(seed: int, epoch: int, count: int) -> None:
    order = permutation(seed, epoch, count)
    assert sorted(order) == list(range(count))
    assert (order == permutation(seed, epoch, count)).all()


def test_orders_are_those_that_were_drawn_when_this_was_written() -> None:
    """Another release of NumPy must not change a run that is resumed under it."""
    assert permutation(42, 0, 8).tolist() == ORDER
    assert [choose_target(42, epoch, "ab", TARGETS) for epoch in range(8)] == CHOICES
    assert [dropout_seed(42, 0, 0), dropout_seed(42, 7, 1)] == SEEDS


def test_seed_and_epoch_both_change_the_order() -> None:
    orders = {tuple(permutation(seed, epoch, 20)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_drawing_does_not_touch_anybody_elses_random_numbers() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    permutation(0, 0, 100)
    dropout_seed(0, 0, 0)
    assert np.random.random() == expected


def test_targets_come_half_and_half_over_clips_and_over_epochs() -> None:
    """Within four standard deviations of 10,000 fair draws."""
    over_clips = [choose_target(1, 0, f"{clip:064x}", TARGETS) for clip in range(10_000)]
    over_epochs = [choose_target(1, epoch, "f" * 64, TARGETS) for epoch in range(10_000)]
    for drawn in (over_clips, over_epochs):
        assert abs(drawn.count("labels") - 5_000) < 200


def test_neighbouring_epochs_choose_independently() -> None:
    same = [
        choose_target(1, 0, f"{clip:064x}", TARGETS) == choose_target(1, 1, f"{clip:064x}", TARGETS)
        for clip in range(10_000)
    ]
    assert abs(sum(same) - 5_000) < 200


def test_a_clip_with_one_target_is_asked_for_it() -> None:
    assert {choose_target(0, epoch, "ab", ("labels",)) for epoch in range(20)} == {"labels"}


def test_every_batch_of_every_step_has_dropout_of_its_own() -> None:
    seeds = {
        dropout_seed(seed, step, number) for seed in range(4) for step in range(50) for number in range(4)
    }  # fmt: skip
    assert len(seeds) == 800
    assert all(0 <= seed < 2**63 for seed in seeds)
