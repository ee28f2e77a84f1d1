"""The benchmark of the scorer scores what it says it scores."""

from __future__ import annotations

from pathlib import Path

from benchmarks.protocols import measure as measure_protocols
from benchmarks.unibench import measure


def test_everything_in_the_reference_is_scored(reference: Path) -> None:
    found = measure(reference)
    # 7 checkpoints: 2 tables for discrete, 1 for sentiment, 2 tables at 2 levels for the open vocabulary; 15 others.
    assert found["answers"] == 7 * (2 * (411 + 2610) + 686 + 457 + 4 * 332) + 15 * 4 * 332
    assert found["tables_kept_s"] < found["tables_first_s"]


def test_the_protocols_are_measured_on_every_set(reference: Path) -> None:
    rows = measure_protocols(reference)
    assert len(rows) == 15
    assert all(row["lowest"] <= row["value"] for row in rows)
    assert all(row["interval"][0] <= row["value"] <= row["interval"][1] for row in rows)
