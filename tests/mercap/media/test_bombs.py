"""Small files that decode to enormous amounts end typed, in time and within the memory they were given."""

from __future__ import annotations

from pathlib import Path

import pytest

from mercap.media.policy import MediaLimits
from tests.mercap.media.bombs import BOMBS, Bomb
from tests.mercap.media.trial import ingest_all

LIMITS = MediaLimits(seconds=30, decode_seconds=4, memory_mb=512)
LARGEST = 40_000_000  # bytes; what a bomb says is in it is gigabytes


@pytest.fixture(autouse=True)
def _quiet_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.name)
def test_a_bomb_ends_typed_in_time_and_within_its_memory(tmp_path: Path, bomb: Bomb) -> None:
    path = tmp_path / bomb.name
    bomb.write(path)
    assert path.stat().st_size < LARGEST
    trial = ingest_all([path], tmp_path, LIMITS)
    trial.check(LIMITS, tmp_path)
    (outcome,) = trial.outcomes
    assert (outcome.cause or "ok") in bomb.causes, outcome
