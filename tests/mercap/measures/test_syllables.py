from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mercap.measures.syllables import DIP_DB, count_syllables, nuclei


def test_a_shallow_dip_does_not_split_a_nucleus() -> None:
    assert nuclei(np.array([0.0, 10.0, 10.0 - 0.9 * DIP_DB, 9.5, 0.0])) == [1]


def test_a_deep_dip_does() -> None:
    assert nuclei(np.array([0.0, 10.0, 5.0, 11.0, 0.0])) == [1, 3]


def test_quiet_peaks_are_echo() -> None:
    envelope = np.array([-60.0, -10.0, -60.0, -50.0, -60.0])
    assert count_syllables(envelope, np.ones(5, dtype=np.bool_)) == 1


@given(st.lists(st.floats(-80.0, 0.0), max_size=60))
def test_nuclei_are_local_peaks_that_stand_out(levels: list[float]) -> None:
    for index in nuclei(np.array(levels)):
        assert min(levels[:index]) <= levels[index] - DIP_DB
        assert min(levels[index + 1 :]) <= levels[index] - DIP_DB
