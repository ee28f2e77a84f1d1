from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mercap.errors import LedgerImbalance
from storage.ledger import Taken, check_ledger, take_ledger
from storage.runs import Current, Source, new_run_id, write_current, write_sources
from storage.schema import Status
from storage.store import Store, row_id
from tests.rows import block_of, failed, row

CELL_STATUSES = [Status.OK, Status.ABSENT, Status.QUARANTINED, Status.BLOCKED, Status.PENDING]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def source(name: str, clip: str | None, status: Status = Status.OK, cause: str | None = None) -> Source:
    return Source("col", name, name, clip, status, cause=cause)


def take(store: Store, sources: list[Source], *stages: tuple[str, dict[str, Status]]) -> Taken:
    """The ledger of a run in which each stage found these statuses, clip by clip; what failed failed by `decode`."""
    run_id = new_run_id()
    store.run_folder(run_id).mkdir()
    tables = []
    for stage, statuses in stages:
        rows = [
            failed(clip, cause="decode") if status == Status.QUARANTINED else row(clip, status=status)
            for clip, status in statuses.items()
        ]
        stem = store.write_part(stage, run_id, 0, rows).stem if rows else ""
        current = [
            Current(clip, stage, "cell", status, row_id(stem, at)) for at, (clip, status) in enumerate(statuses.items())
        ]
        tables += [block_of(current)] if current else []
    write_sources(store, run_id, sources)
    write_current(store, run_id, tables)
    return take_ledger(store, run_id, [stage for stage, _ in stages])


def test_every_name_is_accounted_for_at_every_stage(store: Store) -> None:
    sources = [source("a", "c1"), source("b", "c2"), source("a2", "c1", Status.DUPLICATE),
               source("gone", None, Status.QUARANTINED, "missing_file")]  # fmt: skip
    (ingest, merge), quarantined = take(
        store,
        sources,
        ("ingest", {"c1": Status.OK, "c2": Status.QUARANTINED}),
        ("merge", {"c1": Status.ABSENT, "c2": Status.BLOCKED}),
    )
    assert (ingest.ok, ingest.quarantined, ingest.duplicate, ingest.blocked) == (1, 2, 1, 0)
    assert ingest.causes == {"missing_file": 1, "decode": 1}
    assert (merge.absent, merge.blocked, merge.duplicate, merge.quarantined) == (1, 2, 1, 0)
    check_ledger([ingest, merge])
    assert quarantined == 2


def test_a_clip_that_failed_quarantines_every_name_it_has(store: Store) -> None:
    sources = [source("a", "c1"), source("b", "c1", Status.DUPLICATE), source("c", "c2")]
    (ingest,), quarantined = take(store, sources, ("ingest", {"c1": Status.QUARANTINED, "c2": Status.OK}))
    assert (ingest.quarantined, ingest.duplicate, ingest.ok) == (1, 1, 1)
    assert quarantined == 2


def test_an_absent_cell_has_its_cause_in_the_ledger(store: Store) -> None:
    part = store.write_part("ingest", "r", 0, [row("c1", status="absent", cause="no_audio")]).stem
    store.run_folder("r").mkdir()
    write_sources(store, "r", [source("a", "c1")])
    write_current(store, "r", [block_of([Current("c1", "ingest", "cell", "absent", row_id(part, 0))])])
    assert take_ledger(store, "r", ["ingest"]).rows[0].causes == {"no_audio": 1}


def test_a_name_that_no_status_accounts_for_is_found(store: Store) -> None:
    rows = take(store, [source("a", "c1"), source("b", "c2")], ("ingest", {"c1": Status.OK})).rows
    with pytest.raises(LedgerImbalance, match="ingest: 2 names in, 1 accounted for"):
        check_ledger(rows)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["clip", "duplicate", "lost"]), st.sampled_from(CELL_STATUSES)), max_size=30))
def test_names_in_equal_the_sum_over_statuses(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, Status]]
) -> None:
    sources, statuses = [], {}
    for number, (kind, status) in enumerate(drawn):
        if kind == "clip":
            sources.append(source(f"n{number}", f"c{number}"))
            statuses[f"c{number}"] = status
        elif kind == "duplicate":
            sources.append(source(f"n{number}", "c0", Status.DUPLICATE))
        else:
            sources.append(source(f"n{number}", None, Status.QUARANTINED, "missing_file"))
    ((ledger,), _) = take(Store.create(tmp_path_factory.mktemp("ledger") / "store"), sources, ("ingest", statuses))
    assert ledger.accounted == ledger.names == len(drawn)
