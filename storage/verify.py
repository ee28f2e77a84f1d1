"""Checking a store: every claim it makes about itself, tried against the bytes on disk.

A finding is an error (something that was promised does not hold) or a notice (harmless, worth knowing: a temporary file
of a killed run, two rows of one cell that differ).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from mercap.errors import CAUSES, MercapError
from mercap.files import TEMPORARY, read_json
from mercap.identity import cell_id, digest_config, digest_file
from mercap.records import PAYLOADS
from storage.cells import counting_row_ids
from storage.features import faults as feature_faults
from storage.ledger import LedgerRow
from storage.publish import published_snapshot
from storage.runs import read_runs
from storage.snapshots import latest_snapshot, read_snapshots
from storage.store import Store, row_id


class Finding(NamedTuple):
    level: str  # "error" or "notice"
    where: str  # path relative to the store
    message: str


def verify(store: Store) -> list[Finding]:
    """All findings, errors first."""
    found = [
        *_configs(store),
        *_parts(store),
        *_snapshots(store),
        *_ledgers(store),
        *_published(store),
        *(Finding("error", where, why) for where, why in feature_faults(store.root)),
        *_leftovers(store),
    ]
    return sorted(found, key=lambda finding: (finding.level, finding.where))


def _configs(store: Store) -> Iterator[Finding]:
    for path in sorted((store.root / "configs").glob("*.json")):
        try:
            digest = digest_config(read_json(path))
        except ValueError:
            digest = "unreadable"
        if digest != path.stem:
            yield Finding("error", f"configs/{path.name}", "its content does not match the digest it is named by")


def _parts(store: Store) -> Iterator[Finding]:
    known = {path.stem for path in (store.root / "configs").glob("*.json")}
    counting = _counting_rows(store)
    payloads: dict[str, str | None] = {}
    for stage in PAYLOADS:
        for path in store.parts(stage):
            where = path.relative_to(store.root).as_posix()
            try:
                rows = store.read_part(path).to_pylist()
            except MercapError as error:
                yield Finding("error", where, str(error))
                continue
            for place, row in enumerate(rows):
                faults = [*_faults(row, stage, known)]
                if row["row_id"] != row_id(path.stem, place):
                    faults.append("the row id is not its part and place")
                yield from (Finding("error", where, f"{row['row_id']}: {fault}") for fault in faults)
                if row["status"] == "ok" and payloads.setdefault(row["cell_id"], row["payload"]) != row["payload"]:
                    message = f"{row['cell_id']} was computed twice with different answers; the first counts"
                    yield Finding("notice", where, message)
            if counting is None:
                continue
            stale = sum(row["row_id"] in counting and not counting.issuperset(row["input_rows"]) for row in rows)
            if stale:
                yield Finding("notice", where, f"{stale} rows were computed from rows that do not count (any more)")


def _counting_rows(store: Store) -> set[str] | None:
    """Ids of the rows that the read rule picks; None where a damaged part, a finding of its own, leaves that open."""
    counting: set[str] = set()
    for stage in PAYLOADS:
        try:
            counting.update(counting_row_ids(store, stage))
        except MercapError:
            return None
    return counting


def _faults(row: dict[str, Any], stage: str, configs: set[str]) -> Iterator[str]:
    key = f"{stage}:{row['voter']}" if row["voter"] else stage
    if row["cell_id"] != cell_id(key, row["config"], row["inputs"]):
        yield "the cell id does not follow from config and inputs"
    if row["config"] not in configs:
        yield f"its config {row['config']} is not in configs/"
    if row["status"] == "ok":
        try:
            PAYLOADS[stage].model_validate_json(row["payload"] or "")
        except ValidationError:
            yield "the payload is not a record of this stage"
    elif row["cause"] not in CAUSES:
        yield f"the cause {row['cause']!r} is not a known one"


def _snapshots(store: Store) -> Iterator[Finding]:
    for snapshot in read_snapshots(store):
        for file in snapshot["files"]:
            path = store.root / file["path"]
            if not path.exists():
                yield Finding("error", file["path"], f"snapshot {snapshot['id']} lists it and it is gone")
            elif path.stat().st_size != file["size"] or digest_file(path) != file["sha256"]:
                yield Finding("error", file["path"], f"it is not the file that snapshot {snapshot['id']} lists")


def _ledgers(store: Store) -> Iterator[Finding]:
    for run in read_runs(store):
        path = store.run_folder(run["run_id"]) / "ledger.json"
        for row in read_json(path) if path.exists() else []:
            taken = LedgerRow(row["stage"], **{name: row[name] for name in LedgerRow._fields[1:]})
            if taken.accounted != taken.names:
                yield Finding("error", path.relative_to(store.root).as_posix(), f"{taken.stage_key} does not balance")


def _published(store: Store) -> Iterator[Finding]:
    last = latest_snapshot(store)
    found = published_snapshot(store)
    if found is None and last is not None:
        yield Finding("notice", "published", f"nothing is published; run: mercap publish --store {store.root}")
    elif last is not None and found != last["id"]:
        yield Finding("notice", "published", f"snapshot {found} is published, {last['id']} is the newest")


def _leftovers(store: Store) -> Iterator[Finding]:
    for path in sorted(store.root.rglob(f"{TEMPORARY}*")):
        yield Finding("notice", path.relative_to(store.root).as_posix(), "left by a killed run; it may be deleted")
