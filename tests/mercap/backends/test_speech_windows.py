from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.backends.speech_windows import WINDOW_S, heard, window_end_s, windows
from mercap.records import Span

Edges = list[tuple[float, float]]


def edges(spans: list[Span]) -> Edges:
    return [(round(span.start_s, 3), round(span.end_s, 3)) for span in spans]


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ([], []),
        ([(1, 4), (5, 8)], [(0.8, 8.2)]),
        ([(1, 4), (20, 40)], [(0.8, 4.2), (19.8, 40.2)]),
        ([(0.1, 4), (5, 59.9)], [(0.0, 4.2), (4.8, 34.8), (34.8, 60.0)]),
        ([(1, 4), (4.1, 40)], [(0.8, 4.2), (4.2, 34.2), (34.2, 40.2)]),
    ],
)
def test_neighbours_share_a_window_and_long_speech_is_cut(speech: Edges, expected: Edges) -> None:
    found = windows([Span(start_s=start, end_s=end) for start, end in speech], 60.0)
    assert edges(found) == expected


@given(st.lists(st.floats(0, 200), max_size=20), st.floats(0.1, 200))
def test_windows_hold_all_speech_in_order_apart_and_inside_the_clip(times: list[float], duration_s: float) -> None:
    ordered = sorted(time for time in times if time <= duration_s)
    speech = [Span(start_s=start, end_s=end) for start, end in zip(ordered[::2], ordered[1::2], strict=False)]
    found = windows(speech, duration_s)
    flat = [edge for window in found for edge in (window.start_s, window.end_s)]
    assert flat == sorted(flat)
    assert all(0.0 <= edge <= duration_s for edge in flat)
    assert all(window.end_s - window.start_s <= WINDOW_S + 1e-9 for window in found)
    for span in speech:
        middles = np.linspace(span.start_s, span.end_s, 7)
        assert all(any(window.start_s <= at <= window.end_s for window in found) for at in middles)


def test_a_window_is_known_by_where_it_begins() -> None:
    among = [Span(start_s=0.0, end_s=8.2), Span(start_s=19.807, end_s=40.2), Span(start_s=40.2, end_s=69.2)]
    assert [window_end_s(begin_s, among) for begin_s in (0.0, 19.8, 40.2, 40.19)] == [8.2, 40.2, 69.2, 69.2]


def test_the_filter_hears_speech_and_no_silence(clip_audio: Callable[[str], npt.NDArray[np.int16]]) -> None:
    audio = clip_audio("sad_low")
    found = heard(audio.astype(np.float32) / np.float32(32768.0))
    assert 0.0 < found[0].start_s < found[-1].end_s < len(audio) / 16_000
    assert heard(np.zeros(32_000, np.float32)) == []
