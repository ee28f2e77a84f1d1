"""Ahead, in order, and no longer than it is wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mercap.affectgpt.training.prefetch import Prefetch


@pytest.mark.parametrize("ahead", [0, 1, 3, 100])
def test_what_comes_does_not_depend_on_how_far_ahead_it_is_made(ahead: int) -> None:
    batches = Prefetch(iter(range(50)), ahead)
    assert list(batches) == list(range(50))
    assert list(batches) == []  # and stays at its end
    batches.close()


def test_no_more_is_made_than_was_asked_for() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    batches = Prefetch(source(), 3)
    assert next(batches) == 0
    time.sleep(0.1)
    batches.close()
    assert 4 <= len(made) <= 5  # the one taken, three that wait, one in hand


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_fault_comes_where_its_item_would_have_come(ahead: int) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("the disk went away")

    batches = Prefetch(source(), ahead)
    assert next(batches) == 1
    with pytest.raises(OSError, match="the disk went away"):
        next(batches)
    batches.close()


def test_waiting_is_measured_and_work_done_meanwhile_is_not_waiting() -> None:
    def source() -> Iterator[int]:
        for number in range(4):
            time.sleep(0.03)
            yield number

    inline = Prefetch(source(), 0)
    list(inline)
    assert inline.waited_s >= 0.12
    ahead = Prefetch(source(), 4)
    time.sleep(0.5)
    list(ahead)
    assert ahead.waited_s < 0.06


def test_closing_ends_the_thread_of_an_endless_source() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    before = threading.active_count()
    batches = Prefetch(endless(), 2)
    next(batches)
    batches.close()
    batches.close()
    assert threading.active_count() == before
