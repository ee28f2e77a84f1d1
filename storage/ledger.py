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


class Taken(NamedTuple):
    """The ledger, and how many names are quarantined themselves or hold a clip that is, at whatever stage."""

    rows: list[LedgerRow]
    quarantined: int


def take_ledger(
    sources: Iterable[Source], current: Iterable[Current], stage_keys: Sequence[str], causes: dict[str, str]
) -> Taken:
    """Both are read once, in any order; ``causes`` gives the cause of each row that is not ok by row id."""
    names = _Names(sources)
    first = stage_keys[0]
    statuses = {key: names.before_any_stage(first=key == first) for key in stage_keys}
    found: dict[str, Counter[str]] = {key: Counter() for key in stage_keys}
    found[first].update(names.causes)
    quarantined: set[str] = set()
    for row in current:
        held = names.of_clip[row.clip]
        statuses[row.stage_key][row.status] += held
        if row.row_id in causes:
            found[row.stage_key][causes[row.row_id]] += held
        if row.status == Status.QUARANTINED:
            quarantined.add(row.clip)
    rows = [_row(key, names.total, statuses[key], found[key]) for key in stage_keys]
    return Taken(rows, names.statuses[Status.QUARANTINED] + sum(names.of_any_kind(clip) for clip in quarantined))


class _Names:
    """What the ledger needs of the sources, a number per clip."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.statuses: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.of_clip: Counter[str] = Counter()  # names that cells stand for
        self._duplicates: Counter[str] = Counter()
        for source in sources:
            self.statuses[source.status] += 1
            if source.status == Status.QUARANTINED:
                if source.cause:
                    self.causes[source.cause] += 1
            elif source.clip is not None:
                (self._duplicates if source.status == Status.DUPLICATE else self.of_clip)[source.clip] += 1

    @property
    def total(self) -> int:
        return self.statuses.total()

    def of_any_kind(self, clip: str) -> int:
        """Names of a clip that are not quarantined themselves."""
        return self.of_clip[clip] + self._duplicates[clip]

    def before_any_stage(self, *, first: bool) -> Counter[str]:
        """Names that no cell stands for: quarantined where they came in, blocked everywhere after."""
        refused, duplicates = self.statuses[Status.QUARANTINED], self.statuses[Status.DUPLICATE]
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
