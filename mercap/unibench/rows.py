"""Rows of a table from CSV, JSON lines (also gzipped) or Parquet, with the words for where each stands.

Whatever cannot be right is one UsageError naming file and line. A file is read whole, at most 1 GiB of it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mercap.errors import UsageError

CELL_MAX_CHARS = 16 * 1024 * 1024  # of one CSV cell
FILE_MAX_BYTES = 1 << 30


def unique(where: Path | str, rows: Any) -> dict[str, Any]:
    """Rows of (name, value, ...) as a mapping. Raises UsageError for a name that is empty or comes twice."""
    found: dict[str, Any] = {}
    for name, value, *_ in rows:
        if name in found:
            raise UsageError(f"{where}: {name!r} comes twice.")
        found[name] = value
    return found


def read_columns(
    path: Path, wanted: tuple[str, str], optional: str | None = None
) -> Iterator[tuple[str, Any, str | None]]:
    """(name, value, optional) of every row; ``wanted`` are the names of the first two columns."""
    for place, row in read_table(path):
        for column in wanted:
            if column not in row:
                raise UsageError(
                    f"{path}, {place}: there is no {column}; it has {', '.join(map(str, row)) or 'nothing'}."
                )
        name = row[wanted[0]]
        if isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
            raise UsageError(f"{path}, {place}: the name is {short(name)}, not a text.")
        third = row.get(optional) if optional else None
        if third is not None and (isinstance(third, bool) or not isinstance(third, (str, int))):
            raise UsageError(f"{path}, {place}: the {optional} is {short(third)}, neither a number nor a text.")
        yield str(name).strip(), row[wanted[1]], None if third is None else str(third)


def read_table(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row with the words for where it stands."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if kind == "parquet":
        yield from _parquet(path)
    elif kind in ("jsonl", "json", "ndjson"):
        yield from _json_lines(path)
    elif kind == "csv":
        yield from _csv(path)
    else:
        raise UsageError(f"{path} is not a .csv, .jsonl, .jsonl.gz or .parquet file.")


def _csv(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    before = csv.field_size_limit(CELL_MAX_CHARS)
    try:
        reader = csv.DictReader(io.StringIO(content(path), newline=""), restkey="more cells than the header")
        for row in reader:
            if None in row.values() or "more cells than the header" in row:
                raise UsageError(
                    f"{path}, line {reader.line_num}: the row has another number of cells than the header."
                )
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as CSV: {error}.") from None
    finally:
        csv.field_size_limit(before)


def _json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(content(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise UsageError(f"{path}, line {number}: this is not JSON.") from None
        if not isinstance(row, dict):
            raise UsageError(f"{path}, line {number}: one JSON object per line is needed.")
        yield f"line {number}", row


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}.") from None


def content(path: Path) -> str:
    """The text of a file, unzipped if its name ends in .gz, of at most 1 GiB."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
        if len(data) > FILE_MAX_BYTES:
            raise UsageError(f"{path} is larger than 1 GiB.")
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8.") from None


def short(value: Any) -> str:
    """A value for a message, at most 60 characters of it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
