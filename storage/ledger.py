"""The ledger: at every stage of every run, names in = sum over statuses.

It is counted from what is on disk at the end, not from what the run believes it did: the sources the run recorded and
the cells in the parts. A name that no status accounts for makes the run end with exit code 5.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb

from mercap.errors import LedgerImbalance
from mercap.files import write_json
from storage.recent import read_column
from storage.schema import Status
from storage.store import Store

_CONFIG = {"threads": 1, "memory_limit": "32MB", "enable_external_file_cache": False}
_ROWS_AT_ONCE = 1024

COUNTS = ("names", "ok", "absent", "quarantined", "blocked", "duplicate", "pending")


class LedgerRow(NamedTuple):
    """One stage of one run, in names (not clips: a clip under two names counts twice)."""

    stage_key: str
    names: int
    ok: int
    absent: int
    quarantined: int
    blocked: int
    duplicate: int
    pending: int
    causes: dict[str, int]

    @property
    def accounted(self) -> int:
        return self.ok + self.absent + self.quarantined + self.blocked + self.duplicate + self.pending


class Taken(NamedTuple):
    """The ledger, and how many names are quarantined themselves or hold a clip that is, at whatever stage."""

    rows: list[LedgerRow]
    quarantined: int


def take_ledger(store: Store, run_id: str, stage_keys: Sequence[str]) -> Taken:
    """From the sources and rows that the run has written, and from the parts that these rows lie in."""
    with _connect(store.run_folder(run_id)) as connection:
        refused: Counter[str] = Counter(dict(connection.execute(_REFUSED).fetchall()))
        (names, duplicates, quarantined) = connection.execute(_NAMES).fetchall()[0]
        first = stage_keys[0]
        statuses = {key: _before_any_stage(refused.total(), duplicates, first=key == first) for key in stage_keys}
        causes: dict[str, Counter[str]] = {key: Counter() for key in stage_keys}
        causes[first].update({cause: count for cause, count in refused.items() if cause})
        for key, status, held in connection.execute(_STATUSES).fetchall():
            statuses[key][status] += held
        for key, row_id, held in _each(connection.execute(_NOT_OK)):
            if cause := _cause(store, key, row_id):
                causes[key][cause] += held
    return Taken([_row(key, names, statuses[key], causes[key]) for key in stage_keys], quarantined)


# `held` is how many names a clip's cells stand for, `known` the same with duplicates: of names that were let in.
_VIEWS = """
CREATE VIEW source AS SELECT * FROM read_parquet(getvariable('sources'));
CREATE VIEW current AS SELECT * FROM read_parquet(getvariable('current'));
CREATE TABLE clip AS SELECT clip, count(*) FILTER (status <> 'duplicate') AS held, count(*) AS known
    FROM source WHERE status <> 'quarantined' AND clip IS NOT NULL GROUP BY clip;
"""
_REFUSED = "SELECT coalesce(cause, ''), count(*) FROM source WHERE status = 'quarantined' GROUP BY ALL"
_NAMES = """
SELECT (SELECT count(*) FROM source), (SELECT count(*) FROM source WHERE status = 'duplicate'),
    (SELECT count(*) FROM source WHERE status = 'quarantined') + (SELECT coalesce(sum(known), 0)::BIGINT FROM clip
        WHERE clip IN (SELECT clip FROM current WHERE status = 'quarantined'))
"""
_STATUSES = "SELECT stage_key, status, sum(held)::BIGINT FROM current JOIN clip USING (clip) GROUP BY ALL"
_NOT_OK = """
SELECT stage_key, row_id, held FROM current JOIN clip USING (clip) WHERE status <> 'ok' AND row_id IS NOT NULL
"""


@contextmanager
def _connect(run: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, with what does not fit in a folder that goes with it."""
    with (
        TemporaryDirectory(prefix="mercap-") as spill,
        duckdb.connect(config={**_CONFIG, "temp_directory": spill}) as connection,
    ):
        for name in ("sources", "current"):
            path = re.sub(r"([*?\[])", r"[\1]", str(run / f"{name}.parquet"))  # of a folder, not a pattern of names
            connection.execute(f"SET VARIABLE {name} = ?", [path])
        connection.execute(_VIEWS)
        yield connection


def _each(found: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    while rows := found.fetchmany(_ROWS_AT_ONCE):
        yield from rows


def _cause(store: Store, key: str, row_id: str) -> str | None:
    path, place = store.part(key.partition(":")[0], row_id)
    return read_column(path, "cause")[place]


def _before_any_stage(refused: int, duplicates: int, *, first: bool) -> Counter[str]:
    """Names that no cell stands for: quarantined where they came in, blocked everywhere after."""
    return Counter({Status.DUPLICATE: duplicates, Status.QUARANTINED if first else Status.BLOCKED: refused})


def _row(key: str, names: int, statuses: Counter[str], causes: Counter[str]) -> LedgerRow:
    return LedgerRow(
        key,
        names,
        ok=statuses[Status.OK],
        absent=statuses[Status.ABSENT],
        quarantined=statuses[Status.QUARANTINED],
        blocked=statuses[Status.BLOCKED],
        duplicate=statuses[Status.DUPLICATE],
        pending=statuses[Status.PENDING],
        causes={cause: count for cause, count in sorted(causes.items()) if count},
    )


def check_ledger(rows: Sequence[LedgerRow]) -> None:
    """Raises LedgerImbalance naming the first stage at which names went missing."""
    for row in rows:
        if row.accounted != row.names:
            raise LedgerImbalance(
                f"The ledger does not balance at {row.stage_key}: {row.names} names in, {row.accounted} accounted for; "
                "run: mercap verify --store DIR"
            )


def ledger_json(rows: Sequence[LedgerRow]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        values = row._asdict()
        found.append({"stage": values.pop("stage_key"), **values, "balances": row.accounted == row.names})
    return found


def write_ledger(store: Store, run_id: str, rows: Sequence[LedgerRow]) -> None:
    write_json(store.run_folder(run_id) / "ledger.json", ledger_json(rows))
