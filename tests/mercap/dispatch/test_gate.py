"""How many requests may be under way, on a clock that the test turns."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from mercap.dispatch.gate import Gate

MOST = 32


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


def rounds(gate: Gate, clock: Clock, count: int, refuses: Callable[[], bool], latency_s: float = 0.5) -> None:
    """As many requests as the gate lets through, a round trip after the other."""
    for _ in range(count):
        for _ in range(int(gate.limit)):
            gate.refused(None) if refuses() else gate.answered(latency_s)
        clock.now += latency_s


def test_refusals_of_everything_take_it_down_to_one_request(clock: Clock) -> None:
    gate = Gate(MOST)
    rounds(gate, clock, 20, lambda: True)
    assert gate.limit == 1


def test_a_few_refusals_at_random_hardly_move_it(clock: Clock) -> None:
    gate, chance = Gate(MOST), random.Random(3)
    rounds(gate, clock, 60, lambda: chance.random() < 0.05)
    assert gate.limit > 0.7 * MOST


def test_it_settles_near_what_an_endpoint_can_take(clock: Clock) -> None:
    """An endpoint that takes twelve at once and refuses the rest."""
    gate, taken = Gate(MOST), []
    for _ in range(200):
        sent = int(gate.limit)
        for number in range(sent):
            gate.answered(0.5) if number < 12 else gate.refused(None)
        clock.now += 0.5
        taken.append(sent)
    assert 8 <= sum(taken[50:]) / len(taken[50:]) <= 18


def test_after_refusals_it_recovers_by_one_a_round(clock: Clock) -> None:
    gate = Gate(MOST)
    rounds(gate, clock, 20, lambda: True)
    rounds(gate, clock, 10, lambda: False)
    assert 6 <= gate.limit <= 12
    rounds(gate, clock, 60, lambda: False)
    assert gate.limit == MOST


def test_answers_that_become_much_slower_take_it_down(clock: Clock) -> None:
    gate = Gate(MOST)
    rounds(gate, clock, 10, lambda: False, latency_s=0.1)
    assert gate.limit == MOST
    rounds(gate, clock, 12, lambda: False, latency_s=2.0)
    assert gate.limit < MOST / 2
