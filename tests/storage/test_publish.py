"""Publishing within its memory limit, whatever the number of clips and the size of their payloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from mercap.identity import digest_text
from storage import publish
from storage.ledger import write_ledger
from storage.runs import Current, Source, write_current, write_run, write_sources
from storage.store import Store, row_id
from storage.views import VIEWS
from tests.rows import CONFIG, block_of, commit, row

CLIPS = 5000
SERIES = ",".join(["0.123"] * 250)  # a clip of 20 s: the series is most of the payload


@pytest.mark.parametrize("view", ["measures", "clips"])
def test_a_view_with_many_columns_of_long_payloads_fits_into_half_of_the_limit(view: str) -> None:
    # One parse per row; a parse per column needed more than 256 MB for 4,200 clips of 5 s.
    with duckdb.connect(config={"threads": 2, "memory_limit": "128MB"}) as connection:
        connection.execute(
            """
            CREATE TABLE cell AS
            SELECT md5('' || i) AS clip, stage, 'ok' AS status, CAST(? AS JSON) AS payload
            FROM range(?) t(i), (VALUES ('measure'), ('ingest')) AS s(stage)""",
            [f'{{"face":{{"frames":62,"series":[{SERIES}]}},"format":"mp4","duration_s":5.0}}', CLIPS],
        )
        connection.execute(
            """
            CREATE TABLE source AS
            SELECT clip, clip AS name, 'CC0' AS licence, 'research' AS consent FROM cell WHERE stage = 'ingest'"""
        )
        rows = connection.execute(f"SELECT * FROM ({VIEWS[view].sql})").fetchall()
        known = connection.execute(
            f"SELECT count(frames) FROM ({VIEWS[view].sql})"
            if view == "measures"
            else f"SELECT count(duration_s) FROM ({VIEWS[view].sql})"
        ).fetchone()
    assert len(rows) == CLIPS
    assert known == (CLIPS,)


PAYLOADS = {
    "ingest": '{"format":"mov","duration_s":5}',
    "merge": '{"text":"t","conflict":false,"injection_suspect":false}',
    "label": '{"labels":[{"text":"calm"}],"sentiment":"neutral"}',
    "transcribe": '{"segments":[{"start_s":0,"end_s":1,"text":"yes"}],"origin":"supplied"}',
}


NAMES = [*(f"name{number}" for number in range(7)), "~", "\N{CJK UNIFIED IDEOGRAPH-54ED}", "A"]


@pytest.fixture
def snapshot(tmp_path: Path) -> tuple[Store, dict[str, Any]]:
    """Ten clips, whose names are in another order than their digests, through four stages."""
    store = Store.create(tmp_path / "store")
    store.keep_config(CONFIG)
    names = {digest_text(name): name for name in NAMES}
    clips = sorted(names)
    write_run(
        store, "r", dict.fromkeys(("run_id", *publish_fields()), "r") | {"seconds": 1.0, "names": 10, "computed": 40}
    )
    write_sources(store, "r", [Source("col", names[clip], names[clip], clip, "ok", consent="any") for clip in clips])
    blocks = []
    for stage, payload in PAYLOADS.items():
        rows = [row(clip, stage=stage, payload=payload, cell_id=digest_text(stage + clip)[:32]) for clip in clips]
        stem = commit(store, rows, stage).stem
        blocks.append([Current(one.clip, stage, one.cell_id, "ok", row_id(stem, at)) for at, one in enumerate(rows)])
    write_current(store, "r", map(block_of, blocks))
    write_ledger(store, "r", [])
    return store, {"id": 1, "recipe": "x", "recipe_digest": "d", "created_at": "now", "runs": ["r"], "files": []}


def publish_fields() -> tuple[str, ...]:
    return ("collection", "recipe", "recipe_digest", "started_at", "finished_at", "runner", "versions")


def published(store: Store, snapshot: dict[str, Any]) -> dict[str, list[Any]]:
    publish.publish(store, snapshot)
    with duckdb.connect(str(store.published), read_only=True) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in VIEWS}


def test_views_made_in_blocks_hold_the_same_rows_in_the_same_order(
    snapshot: tuple[Store, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = published(*snapshot)
    monkeypatch.setattr(publish, "_ROWS_AT_ONCE", {"clip": 3, "name": 4})
    assert published(*snapshot) == at_once
    assert [len(at_once[name]) for name in ("captions", "clips", "cells")] == [10, 10, 40]
    assert [name for name, *_ in at_once["captions"]] == sorted(NAMES)


def test_a_view_that_does_not_fit_is_made_again_with_more_memory(
    snapshot: tuple[Store, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = published(*snapshot)
    monkeypatch.setattr(publish, "_MEMORY_OF_MANY", 16)
    assert published(*snapshot) == enough
    monkeypatch.setattr(publish, "_MEMORY_AT_MOST", 16)
    with pytest.raises(duckdb.OutOfMemoryException):
        publish.publish(*snapshot)
