"""The ledger: at every stage of every run, names in = sum over statuses.

It is counted from what is on disk at the end, not from what the run believes it did: the sources the run recorded and
the cells in the parts. A name that no status accounts for makes the run end with exit code 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mercap.errors import LedgerImbalance
from mercap.files import write_json
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
    sources: Sequence[Source], current: Iterable[Current], stage_keys: Sequence[str], causes: dict[str, str]
) -> list[LedgerRow]:
    """``current`` is read once, in any order; ``causes`` gives the cause of each row that is not ok by row id."""
    names = Counter(source.clip for source in sources if _became_a_clip(source))
    statuses = {key: _before_any_stage(sources, first=key == stage_keys[0]) for key in stage_keys}
    found: dict[str, Counter[str]] = {key: Counter() for key in stage_keys}
    found[stage_keys[0]].update(s.cause for s in sources if s.status == Status.QUARANTINED and s.cause)
    for row in current:
        statuses[row.stage_key][row.status] += names[row.clip]
        if row.row_id in causes:
            found[row.stage_key][causes[row.row_id]] += names[row.clip]
    return [_row(key, len(sources), statuses[key], found[key]) for key in stage_keys]


def _became_a_clip(source: Source) -> bool:
    return source.clip is not None and source.status not in (Status.DUPLICATE, Status.QUARANTINED)


def _before_any_stage(sources: Sequence[Source], *, first: bool) -> Counter[str]:
    """Names that no cell stands for: quarantined where they came in, blocked everywhere after."""
    refused = sum(source.status == Status.QUARANTINED for source in sources)
    duplicates = sum(source.status == Status.DUPLICATE for source in sources)
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


def quarantined_names(sources: Sequence[Source], current: Iterable[Current]) -> int:
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
