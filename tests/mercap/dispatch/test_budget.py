from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.dispatch.budget import Budget, BudgetSpent, Cost, parse_budget
from mercap.errors import UsageError


@pytest.mark.parametrize(
    ("text", "limit", "unit"),
    [
        ("20USD", 20, "USD"),
        ("0.5 USD", 0.5, "USD"),
        ("1Mtok", 1e6, "tok"),
        ("1.5ktok", 1500, "tok"),
        ("7tok", 7, "tok"),
    ],
)
def test_a_budget_is_money_or_tokens(text: str, limit: float, unit: str) -> None:
    budget = parse_budget(text, "USD")
    assert (budget.limit, budget.unit) == (limit, unit)


@pytest.mark.parametrize("text", ["", "20", "USD", "-3USD", "20usd", "1e3tok", "20EUR", "NaNUSD"])
def test_anything_else_is_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="--budget is"):
        parse_budget(text, "USD")


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=40), st.floats(1, 300))
def test_what_is_spent_never_exceeds_the_limit(requests: list[tuple[float, float]], limit: float) -> None:
    """Each request costs at most what was set aside for it; some are still under way when the next one comes."""
    budget = Budget(limit, "tok")
    under_way: list[tuple[Cost, Cost]] = []
    for most, share in requests:
        if budget.admits(Cost(most, None)):
            under_way.append((Cost(most, None), Cost(most * share, None)))
        if len(under_way) > 3:
            budget.settle(*under_way.pop(0))
        assert budget.spent <= limit * (1 + 1e-9)
    for one in under_way:
        budget.settle(*one)
    assert budget.spent <= limit * (1 + 1e-9)


def test_what_was_set_aside_and_not_spent_can_be_spent() -> None:
    budget = Budget(10, "tok")
    assert budget.admits(Cost(8, None))
    assert not budget.admits(Cost(8, None))
    budget.settle(Cost(8, None), Cost(1, None))
    assert budget.admits(Cost(8, None))


def test_only_a_refusal_ends_the_run() -> None:
    budget = Budget(1, "USD")
    assert budget.admits(Cost(1e9, 1.0))
    budget.check()
    assert not budget.admits(Cost(1, 0.1))
    with pytest.raises(BudgetSpent, match="1 USD is used up"):
        budget.check()


def test_threads_do_not_overdraw_it() -> None:
    budget = Budget(1000, "tok")
    admitted = []

    def work() -> None:
        admitted.extend(budget.admits(Cost(1, None)) for _ in range(500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 1000
