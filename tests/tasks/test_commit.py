from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mercap.identity import CELL_ID_CHARS, DIGEST_CHARS, cell_id, digest_text
from mercap.outcome import Outcome
from mercap.stages import Stage
from storage.cells import CellIndex
from storage.clip_columns import Ids
from storage.store import Store
from tasks import commit
from tasks.clips import Clip
from tasks.commit import PartWriter
from tasks.spec import CellSpec

INGEST = Stage("ingest", ("media",), {"version": 1})
LABEL = Stage("label", ("ingest",), {"version": 1})
CLIPS = [Clip(digest, "a.mp4", 1, 1, "a", None, None) for digest in sorted(map(digest_text, "abcdefgh"))]


class Lab:
    """Eight clips at two stages, of which the second reads the first."""

    def __init__(self, root: Path) -> None:
        self.store = Store.create(root)
        first = [cell_id("ingest", INGEST.config_digest, [clip.digest]) for clip in CLIPS]
        second = [cell_id("label", LABEL.config_digest, [one]) for one in first]
        self.ids = {"ingest": Ids(CELL_ID_CHARS, first), "label": Ids(CELL_ID_CHARS, second)}
        self.cells = CellIndex(self.store, Ids(DIGEST_CHARS, [clip.digest for clip in CLIPS]), self.ids)

    def writer(self, stage: Stage) -> PartWriter:
        return PartWriter(self.store, self.cells, stage.key, "run", "worker")

    def spec(self, stage: Stage, place: int) -> CellSpec:
        reads = CLIPS[place].digest if stage is INGEST else self.ids["ingest"][place]
        return CellSpec(stage, CLIPS[place], place, self.ids[stage.key][place], (reads,))

    def rows(self, stage: Stage) -> list[dict[str, Any]]:
        return [row for path in self.store.parts(stage.key) for row in self.store.read_part(path).to_pylist()]

    def parts(self) -> list[int]:
        """Rows per part."""
        return sorted(len(self.store.read_part(path)) for path in self.store.parts("ingest"))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "store")


OK = Outcome("ok", "{}")


def test_cells_of_several_shards_become_one_part(lab: Lab) -> None:
    writer = lab.writer(INGEST)
    for place in range(4):
        writer.add(place // 2, lab.spec(INGEST, place), OK)
    assert lab.parts() == []
    writer.flush()
    writer.flush()
    assert lab.parts() == [4]
    assert [row["shard"] for row in lab.rows(INGEST)] == [0, 0, 1, 1]


def test_a_part_is_committed_once_it_holds_the_most_rows(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "PART_ROWS_AT_MOST", 3)
    writer = lab.writer(INGEST)
    for place in range(7):
        writer.add(0, lab.spec(INGEST, place), OK)
    assert lab.parts() == [3, 3]
    writer.flush()
    assert lab.parts() == [1, 3, 3]


@pytest.mark.parametrize(("rows", "seconds", "parts"), [(2, 0.0, [2, 2]), (2, 60.0, []), (9, 0.0, [])])
def test_a_part_needs_enough_cells_and_enough_work(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, rows: int, seconds: float, parts: list[int]
) -> None:
    monkeypatch.setattr(commit, "PART_ROWS", rows)
    monkeypatch.setattr(commit, "PART_SECONDS", seconds)
    writer = lab.writer(INGEST)
    for place in range(4):
        writer.add(0, lab.spec(INGEST, place), OK)
    assert lab.parts() == parts


def test_a_slow_cell_is_committed_however_few_there_are(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "FLUSH_SECONDS", 0.0)
    lab.writer(INGEST).add(0, lab.spec(INGEST, 0), OK)
    assert lab.parts() == [1]


def test_a_row_names_the_rows_that_were_read_and_counts_the_attempts(lab: Lab) -> None:
    writer = lab.writer(INGEST)
    writer.add(0, lab.spec(INGEST, 2), Outcome("quarantined", None, "backend", "no", retryable=True))
    writer.flush()
    lab.cells.refresh("ingest")
    again = lab.writer(INGEST)
    again.add(0, lab.spec(INGEST, 2), OK)
    again.flush()
    lab.cells.refresh("ingest")
    label = lab.writer(LABEL)
    label.add(0, lab.spec(LABEL, 2), OK)
    label.flush()
    tried = {row["status"]: row["attempts"] for row in lab.rows(INGEST)}
    assert tried == {"quarantined": 1, "ok": 2}
    (row,) = lab.rows(LABEL)
    (ok,) = (row["row_id"] for row in lab.rows(INGEST) if row["status"] == "ok")
    assert (row["input_rows"], row["inputs"]) == ([ok], [lab.ids["ingest"][2]])


def test_threads_that_add_at_once_lose_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "PART_ROWS_AT_MOST", 3)
    writer = lab.writer(INGEST)

    def work(shard: int) -> None:
        for place in range(len(CLIPS)):
            writer.add(shard, lab.spec(INGEST, place), OK)

    threads = [threading.Thread(target=work, args=(shard,)) for shard in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()
    found = [(row["shard"], row["clip"]) for row in lab.rows(INGEST)]
    assert sorted(found) == sorted((shard, clip.digest) for shard in range(4) for clip in CLIPS)
