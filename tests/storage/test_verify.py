"""Each promise of the store, broken by hand: `verify` says which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mercap.files import write_json
from mercap.identity import cell_id, digest_config
from storage.features import FeatureFolder
from storage.runs import Current, Source, write_current, write_run, write_sources
from storage.schema import CellRow
from storage.snapshots import covered_runs, latest_snapshot, take_snapshot
from storage.store import Store
from storage.verify import Finding, verify
from tests.rows import CONFIG, block_of, commit, row

LABELS = '{"labels":[],"sentiment":"neutral"}'
RUN = {
    "run_id": "r1", "state": "finished", "collection": "c", "recipe": "x", "recipe_digest": "d", "limit": None,
    "content_digest": "1",
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "store")
    assert made.keep_config(CONFIG) == digest_config(CONFIG)
    return made


def errors(store: Store) -> list[Finding]:
    return [finding for finding in verify(store) if finding.level == "error"]


def test_a_sound_store_has_nothing_to_say(store: Store) -> None:
    store.write_part("merge", "r", 0, [row("c1"), row("c2")])
    assert verify(store) == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (row(cell_id="0" * 32), "does not follow"),
        (row(config="0" * 32), "is not in configs"),
        (row(payload='{"text": 1}'), "not a record"),
        (row(payload=None), "not a record"),
        (row(status="quarantined", cause="because", payload=None), "not a known one"),
    ],
)
def test_a_row_that_breaks_a_promise_is_named(store: Store, broken: CellRow, message: str) -> None:
    store.write_part("merge", "r", 0, [row("c2"), broken])
    assert any(message in finding.message for finding in errors(store))


def test_a_changed_config_is_found(store: Store) -> None:
    write_json(store.root / "configs" / f"{digest_config(CONFIG)}.json", {"version": 2})
    assert ["match the digest" in finding.message for finding in errors(store)] == [True]


def test_two_different_answers_for_one_cell_are_a_notice(store: Store) -> None:
    for text in ("a", "b"):
        store.write_part("merge", "r", 0, [row(payload=f'{{"text":"{text}","language":"en"}}')])
    assert [finding.level for finding in verify(store)] == ["notice"]


def finish_run(store: Store, run_id: str = "r1", **changes: object) -> None:
    part = store.write_part("merge", run_id, 0, [row()])
    write_run(store, run_id, {**RUN, "run_id": run_id, **changes})
    write_sources(store, run_id, [Source("c", "a", "a.mp4", "c1", "ok")])
    write_current(store, run_id, [block_of([Current("c1", "merge", row().cell_id, "ok", f"{part.stem}:0")])])


def test_a_snapshot_lists_exact_files_and_verify_holds_it_to_them(store: Store) -> None:
    finish_run(store)
    snapshot = take_snapshot(store, "d")
    assert sorted(Path(file["path"]).parts[0] for file in snapshot["files"]) == ["cells", "runs", "runs"]
    assert errors(store) == []
    part = next(iter(store.parts("merge")))
    part.rename(part.with_name("part-elsewhere.parquet"))
    assert any("is gone" in finding.message for finding in errors(store))


def test_nothing_changed_means_no_new_snapshot(store: Store) -> None:
    finish_run(store)
    assert take_snapshot(store, "d")["id"] == take_snapshot(store, "d")["id"] == 1
    finish_run(store, "r2", content_digest="2")
    assert take_snapshot(store, "d")["id"] == 2
    assert latest_snapshot(store, "other") is None


def test_a_limited_run_never_stands_in_for_a_full_one(store: Store) -> None:
    finish_run(store, "r1", limit=5)
    finish_run(store, "r2")
    finish_run(store, "r3", limit=5)
    finish_run(store, "r4", state="interrupted")
    finish_run(store, "r5", collection="other")
    assert [run["run_id"] for run in covered_runs(store, "d")] == ["r2", "r5"]


def test_a_row_computed_from_a_row_that_does_not_count_is_a_notice(store: Store) -> None:
    """Two processes raced for one cell with a model that answers differently each time."""
    second = commit(store, [row("c1", at=5, payload='{"text":"b","language":"en"}')])
    first = commit(store, [row("c1", at=1)])
    config = store.keep_config({"version": 1})
    for clip, part in (("c1", first), ("c2", second)):
        made = row(clip, stage="label", config=config, input_rows=[f"{part.stem}:0"], payload=LABELS)
        store.write_part("label", "r", 0, [made._replace(cell_id=cell_id("label", config, made.inputs))])
    messages = [finding.message for finding in verify(store)]
    assert sum("do not count" in message for message in messages) == 1
    assert errors(store) == []


def test_features_that_are_not_what_was_written_are_found(store: Store) -> None:
    identity = {"kind": "clip", "reads": "face", "model": "m", "revision": "r", "steps": 1, "dim": 2, "step_tokens": 1}
    folder = FeatureFolder.create(store.root, identity | {"sampling": {"crop": "face"}})
    part = folder.write("r1", 0, {"c1": np.ones((1, 2), np.float16)}, {}, {})
    assert errors(store) == []
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    assert ["numbers are not those that were written" in finding.message for finding in errors(store)] == [True]
