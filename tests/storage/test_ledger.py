from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.errors import LedgerImbalance
from storage.ledger import check_ledger, take_ledger
from storage.runs import Current, Source
from storage.schema import Status

CELL_STATUSES = [Status.OK, Status.ABSENT, Status.QUARANTINED, Status.BLOCKED, Status.PENDING]


def source(name: str, clip: str | None, status: Status = Status.OK, cause: str | None = None) -> Source:
    return Source("col", name, name, clip, status, cause=cause)


def current(clip: str, key: str, status: Status) -> Current:
    return Current(clip, key, f"{clip}-{key}", status, f"row-{clip}-{key}")


def test_every_name_is_accounted_for_at_every_stage() -> None:
    sources = [source("a", "c1"), source("b", "c2"), source("a2", "c1", Status.DUPLICATE),
               source("gone", None, Status.QUARANTINED, "missing_file")]  # fmt: skip
    rows = [current("c1", "ingest", Status.OK), current("c2", "ingest", Status.QUARANTINED),
            current("c1", "merge", Status.ABSENT), current("c2", "merge", Status.BLOCKED)]  # fmt: skip
    (ingest, merge), quarantined = take_ledger(sources, rows, ["ingest", "merge"], {"row-c2-ingest": "decode"})
    assert (ingest.ok, ingest.quarantined, ingest.duplicate, ingest.blocked) == (1, 2, 1, 0)
    assert ingest.causes == {"missing_file": 1, "decode": 1}
    assert (merge.absent, merge.blocked, merge.duplicate, merge.quarantined) == (1, 2, 1, 0)
    check_ledger([ingest, merge])
    assert quarantined == 2


def test_a_name_that_no_status_accounts_for_is_found() -> None:
    rows = take_ledger(
        [source("a", "c1"), source("b", "c2")], [current("c1", "ingest", Status.OK)], ["ingest"], {}
    ).rows
    with pytest.raises(LedgerImbalance, match="ingest: 2 names in, 1 accounted for"):
        check_ledger(rows)


@given(st.lists(st.tuples(st.sampled_from(["clip", "duplicate", "lost"]), st.sampled_from(CELL_STATUSES)), max_size=30))
def test_names_in_equal_the_sum_over_statuses(drawn: list[tuple[str, Status]]) -> None:
    sources, rows = [], []
    for number, (kind, status) in enumerate(drawn):
        if kind == "clip":
            sources.append(source(f"n{number}", f"c{number}"))
            rows.append(current(f"c{number}", "ingest", status))
        elif kind == "duplicate":
            sources.append(source(f"n{number}", "c0", Status.DUPLICATE))
        else:
            sources.append(source(f"n{number}", None, Status.QUARANTINED, "missing_file"))
    (row,) = take_ledger(sources, rows, ["ingest"], {}).rows
    assert row.accounted == row.names == len(drawn)
