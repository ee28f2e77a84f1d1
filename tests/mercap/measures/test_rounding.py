from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.measures.rounding import optional, significant


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30))
def test_rounding_is_close_and_stays(value: float) -> None:
    rounded = significant(value)
    assert rounded == pytest.approx(value, rel=1e-3)
    assert significant(rounded) == rounded


def test_negative_zero_is_zero() -> None:
    assert math.copysign(1.0, significant(-0.0)) == 1.0


def test_none_passes_and_infinity_does_not() -> None:
    assert optional(None) is None
    with pytest.raises(ValueError, match="finite"):
        significant(math.inf)
