"""What a run costs beside its stages: it does what a run does, and its memory does not grow with the clips."""

from __future__ import annotations

import pytest

from benchmarks.orchestration import measure, measure_apart


@pytest.mark.parametrize("files", [False, True])
def test_every_cell_is_computed_once_over_invented_clips_and_over_files(files: bool) -> None:
    found = measure(20, files)
    assert (found["clips"], found["stages"]) == (20, 13)
    assert found["ms_per_clip_stage"] == pytest.approx(1000 * found["wall_s"] / 260)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clips() -> None:
    """A clip more is half a kilobyte of names and numbers; thirteen cells with their payloads would be ten."""
    few, many = (measure_apart(count, files=False)["peak_mb"] for count in (10_000, 40_000))
    assert many - few < 30_000 * 0.001, (few, many)
