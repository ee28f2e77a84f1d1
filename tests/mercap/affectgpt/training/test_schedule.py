"""The learning rate against its closed form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.affectgpt.training.options import fast, paper
from mercap.affectgpt.training.schedule import learning_rate


def test_a_cosine_at_its_beginning_warm_up_end_middle_and_last_step() -> None:
    options = fast(steps=111, warmup_steps=10, lr=1e-3, lr_last=1e-4)
    assert learning_rate(options, 0) == pytest.approx(1e-4, abs=1e-18)
    assert learning_rate(options, 9) == 1e-3
    assert learning_rate(options, 10) == 1e-3
    assert learning_rate(options, 60) == pytest.approx((1e-3 + 1e-4) / 2, abs=1e-18)
    quarter = 1e-4 + 9e-4 * (1 + math.cos(math.pi / 4)) / 2
    assert learning_rate(options, 35) == pytest.approx(quarter, abs=1e-18)
    assert learning_rate(options, 110) == pytest.approx(1e-4, abs=1e-18)


def test_the_papers_rate_is_constant_from_the_first_step_on() -> None:
    options = paper()
    assert {learning_rate(options, step) for step in (0, 1, 4_999, 5_000, 299_999)} == {1e-5}


def test_a_constant_rate_may_warm_up() -> None:
    options = paper(warmup_steps=4, steps=8)
    assert [learning_rate(options, step) for step in range(6)] == pytest.approx(
        [2.5e-6, 5e-6, 7.5e-6, 1e-5, 1e-5, 1e-5], abs=1e-18
    )


@given(steps=st.integers(1, 50), warmup=st.integers(0, 49))
def test_the_rate_rises_then_falls_and_never_leaves_its_bounds(steps: int, warmup: int) -> None:
    warmup = min(warmup, steps - 1)
    options = fast(steps=steps, warmup_steps=warmup, lr=1e-3, lr_last=1e-5)
    rates = [learning_rate(options, step) for step in range(steps)]
    assert all(0 < rate <= 1e-3 for rate in rates)
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    assert rates[-1] == pytest.approx(1e-5)
