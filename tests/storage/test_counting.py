"""Which rows count in a snapshot, and content digests that do not depend on how a file of a run is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import snapshots
from storage.counting import counting_rows
from storage.runs import Current, Source, write_current, write_sources
from storage.snapshots import content_digest
from storage.store import Store
from tests.rows import block_of, commit, row


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def write_run_of(store: Store, run_id: str, blocks: list[list[Current]]) -> None:
    store.run_folder(run_id).mkdir(exist_ok=True)
    clips = dict.fromkeys(one.clip for block in blocks for one in block)
    write_sources(store, run_id, [Source("col", clip, clip, clip, "ok") for clip in clips])
    write_current(store, run_id, map(block_of, blocks))


def current(clip: str, row_id: str | None = None, key: str = "merge") -> Current:
    return Current(clip, key, f"{clip}-{key}", "ok" if row_id else "blocked", row_id)


def counted(store: Store, run_ids: list[str], withdrawn: set[str]) -> list[tuple[str, list[str]]]:
    found = counting_rows(store, run_ids, withdrawn)
    return [(part.path.stem, part.read(store, ("clip",))["clip"].to_pylist()) for parts in found for part in parts]


def test_a_part_is_read_once_with_exactly_the_rows_that_count(store: Store) -> None:
    part = commit(store, [row("a"), row("b"), row("c")]).stem
    write_run_of(store, "r", [[current("a", f"{part}:0"), current("b")], [current("c", f"{part}:2")]])
    assert counted(store, ["r"], set()) == [(part, ["a", "c"])]


def test_a_clip_of_two_runs_takes_all_from_the_newer_and_a_withdrawn_one_from_none(store: Store) -> None:
    old = commit(store, [row("a"), row("b"), row("c")]).stem
    new = commit(store, [row("b"), row("d")]).stem
    write_run_of(store, "r1", [[current("a", f"{old}:0"), current("b", f"{old}:1"), current("c", f"{old}:2")]])
    write_run_of(store, "r2", [[current("b", f"{new}:0"), current("d", f"{new}:1")]])
    assert counted(store, ["r1", "r2"], {"c"}) == [(new, ["b", "d"]), (old, ["a"])]


@pytest.mark.parametrize("order", ["abcd", "cdab", "dcba"])
def test_a_content_digest_is_the_same_however_the_rows_are_cut(
    store: Store, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {key: [current(clip, f"p:{clip}", key) for clip in order] for key in ("merge", "label")}
    write_run_of(store, "whole", [rows["merge"], rows["label"]])
    write_run_of(store, "cut", [block[at : at + 2] for block in rows.values() for at in (0, 2)])
    digest = content_digest(store, "whole")
    assert content_digest(store, "cut") == digest
    monkeypatch.setattr(snapshots, "_digest_in_order", lambda *_: None)
    assert content_digest(store, "cut") == digest
