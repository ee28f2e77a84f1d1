"""The ledger: at every stage of every run, names in = sum over statuses.

It is counted from what is on disk at the end, not from what the run believes it did: the sources the run recorded and
the cells in the parts. A name that no status accounts for makes the run end with exit code 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from mercap.errors import LedgerImbalance
from storage.files import write_json
from storage.runs import Current, Source
from storage.schema import Status
from storage.store import Store

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


def take_ledger(
    sources: Sequence[Source], current: Sequence[Current], stage_keys: Sequence[str], causes: dict[str, str]
) -> list[LedgerRow]:
    """``causes`` gives the cause of each quarantined or absent row by row id."""
    by_clip = {(row.clip, row.stage_key): row for row in current}
    return [_row(sources, by_clip, key, first=key == stage_keys[0], causes=causes) for key in stage_keys]


def _row(
    sources: Sequence[Source], by_clip: dict[tuple[str, str], Current], key: str, *, first: bool, causes: dict[str, str]
) -> LedgerRow:
    statuses: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for source in sources:
        if source.status == Status.DUPLICATE:
            statuses[Status.DUPLICATE] += 1
        elif source.status == Status.QUARANTINED:
            # It never became a clip: quarantined where it came in, blocked everywhere after.
            statuses[Status.QUARANTINED if first else Status.BLOCKED] += 1
            if first and source.cause:
                found[source.cause] += 1
        elif source.clip is not None and (row := by_clip.get((source.clip, key))) is not None:
            statuses[row.status] += 1
            if row.row_id in causes:
                found[causes[row.row_id]] += 1
    return LedgerRow(
        key,
        len(sources),
        ok=statuses[Status.OK],
        absent=statuses[Status.ABSENT],
        quarantined=statuses[Status.QUARANTINED],
        blocked=statuses[Status.BLOCKED],
        duplicate=statuses[Status.DUPLICATE],
        pending=statuses[Status.PENDING],
        causes=dict(sorted(found.items())),
    )


def quarantined_names(sources: Sequence[Source], current: Sequence[Current]) -> int:
    """Names that are quarantined themselves or whose clip is quarantined at any stage."""
    clips = {row.clip for row in current if row.status == Status.QUARANTINED}
    return sum(source.status == Status.QUARANTINED or source.clip in clips for source in sources)


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
