from __future__ import annotations

import pytest

from mercap.measures.norms import RECORDING, VOICE, Range, norms_digest

FROZEN = "a88b6116b8f9adf9a486bf30086acb97f348a23ef6c298b1ff5ca025f664e870"


def test_the_norms_are_the_frozen_ones() -> None:
    """The describers' cells follow the digest by themselves. `measure`, `screen` and the voters for voice and face

    read the table too: raise their versions in `mercap/stages.py` where the changed value matters to them, renew the
    golden answers, then write the new digest here.
    """
    assert norms_digest() == FROZEN


@pytest.mark.parametrize(("value", "place"), [(129.9, -1), (130.0, 0), (210.0, 0), (210.1, 1)])
def test_the_ends_of_a_range_are_ordinary(value: float, place: int) -> None:
    assert Range(130.0, 210.0).place(value) == place


def test_a_norm_cannot_be_moved_at_run_time() -> None:
    with pytest.raises(AttributeError):
        VOICE.voiced_least = 0.5  # type: ignore[misc]
    with pytest.raises(AttributeError):
        RECORDING.blurred = 0.5  # type: ignore[misc]
