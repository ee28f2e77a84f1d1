"""Rows of a manifest.

A manifest (CSV, JSON Lines or Parquet) has the column ``path`` and may have ``name``, ``subtitle`` (a file), ``text``
(the words themselves), ``licence`` and ``consent``; every other column is kept as it is. Paths are relative to the
manifest's folder and may not leave it: that, and a column that looks like a misspelt one, ends the run before it
starts. A row that is merely bad (no path, a name twice) is quarantined and the others go on.
"""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mercap.errors import UsageError
from mercap.sources.rows import CONSENT, NAME_MAX, Folder, SourceRow, blank_row, printable, spooled
from mercap.spool import Spool

MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl", ".parquet"})
COLUMNS = ("path", "name", "subtitle", "text", "licence", "consent")
_ROWS_AT_ONCE = 1024  # of a Parquet manifest


def read_manifest(manifest: Path) -> Sequence[SourceRow]:
    taken: set[str] = set()
    columns: dict[str, None] = {}
    rows, folder = Spool(spooled), Folder(manifest.parent)
    for number, record in enumerate(_records(manifest), start=1):
        if not columns.keys() >= record.keys():
            _check_columns(manifest.name, record.keys() - columns.keys())
            columns |= dict.fromkeys(record)
        row = _manifest_row(manifest, folder, number, record)
        if row.name in taken:
            message = f"row {number} repeats the name {row.name!r}"
            row = row._replace(name=f"{row.name}#row{number}", path=None, cause="bad_row", message=message)
        taken.add(row.name)
        rows.append(row)
    if not rows:
        raise UsageError(f"The manifest {manifest.name} has no rows.")
    if "path" not in columns:
        raise UsageError(f"The manifest {manifest.name} has no column 'path'; it has {', '.join(map(repr, columns))}.")
    return rows


def _records(manifest: Path) -> Iterator[dict[str, Any]]:
    try:
        if manifest.suffix.lower() == ".parquet":
            with pq.ParquetFile(manifest) as file:
                for batch in file.iter_batches(_ROWS_AT_ONCE):
                    yield from batch.to_pylist()
        elif manifest.suffix.lower() == ".jsonl":
            with manifest.open(encoding="utf-8-sig") as lines:
                yield from (_json_row(manifest, number, line) for number, line in enumerate(lines, 1) if line.strip())
        else:
            with manifest.open(encoding="utf-8-sig", newline="") as lines:
                yield from _csv_rows(manifest, csv.DictReader(lines, restkey=""))
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise UsageError(f"The manifest {manifest} cannot be read: {str(error).splitlines()[0]}.") from None


def _csv_rows(manifest: Path, reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    names = list(reader.fieldnames or [])
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The manifest {manifest.name} has the column {twice!r} twice.")
    for row in reader:
        if "" in row:
            raise UsageError(f"The manifest {manifest.name}, line {reader.line_num}: more fields than columns.")
        yield row


def _json_row(manifest: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise UsageError(f"The manifest {manifest.name}, line {number}, is not a JSON object.")
    return row


def _check_columns(manifest: str, columns: Iterable[str]) -> None:
    for column in sorted(columns):
        near = difflib.get_close_matches(column.strip().lower(), COLUMNS, n=1, cutoff=0.8)
        if near and column not in COLUMNS:
            raise UsageError(f"The manifest {manifest} has the unknown column {column!r}; did you mean {near[0]!r}?")


def _manifest_row(manifest: Path, folder: Folder, number: int, record: dict[str, Any]) -> SourceRow:
    values = {key: _text(value) for key, value in record.items() if key in COLUMNS}
    extra = {key: value for key, value in record.items() if key not in COLUMNS and value not in (None, "")}
    shown = values.get("path")
    name = values.get("name") or (shown.rpartition(".")[0] or shown if shown else f"row{number}")
    row = blank_row(name, shown or "")._replace(
        text=values.get("text"), licence=values.get("licence"), consent=values.get("consent") or "unstated", extra=extra
    )
    fault = _fault(row, number)
    if fault:
        return row._replace(name=printable(name) or f"row{number}", cause="bad_row", message=fault)
    where = f"{manifest.name}, row {number}"
    path = folder.inside(row.shown_path, where)
    subtitle = values.get("subtitle")
    return row._replace(path=path, subtitle=folder.inside(subtitle, where) if subtitle else None)


def _fault(row: SourceRow, number: int) -> str | None:
    if not row.shown_path:
        return f"row {number} has no path"
    if row.consent not in CONSENT:
        return f"row {number}: consent is {row.consent[:40]!r}, which is none of {', '.join(CONSENT)}"
    if len(row.name) > NAME_MAX or not row.name.isprintable():
        return f"row {number}: the name is too long or has control characters"
    return None


def _text(value: Any) -> str | None:
    """None for what is empty. A JSON file can hold half characters that nothing else can; they are replaced."""
    return None if value is None or value == "" else str(value).encode("utf-8", "replace").decode()
