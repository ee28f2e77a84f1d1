"""Reading SOURCE: a folder, a glob or a manifest becomes rows that name media files.

A manifest (CSV, JSON Lines or Parquet) has the column ``path`` and may have ``name``, ``subtitle`` (a file), ``text``
(the words themselves), ``licence`` and ``consent``; every other column is kept as it is. Paths are relative to the
manifest's folder and may not leave it: that, and a column that looks like a misspelt one, ends the run before it
starts. A row that is merely bad (no path, a name twice) is quarantined and the others go on.
"""

from __future__ import annotations

import csv
import difflib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mercap.errors import UsageError
from mercap.spool import Spool

MEDIA_SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".ts",
        ".mts",
        ".flv",
        ".wmv",
        ".mpg",
        ".mpeg",
        ".wav",
        ".mp3",
        ".m4a",
        ".flac",
        ".ogg",
        ".opus",
        ".aac",
    ]
)
SUBTITLE_SUFFIXES = (".srt", ".vtt", ".txt")
MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl", ".parquet"})
COLUMNS = ("path", "name", "subtitle", "text", "licence", "consent")
# From most to least permissive. Several sources of one clip: the strictest wins.
CONSENT = ("any", "unstated", "research", "internal", "withdrawn")
_NAME_MAX = 512
_ROWS_AT_ONCE = 1024  # of a Parquet manifest


class SourceRow(NamedTuple):
    """One row of SOURCE, checked but not opened. ``cause`` is set where the row itself is bad."""

    name: str
    path: Path | None  # absolute
    shown_path: str  # as the user wrote it
    subtitle: Path | None
    text: str | None
    licence: str | None
    consent: str
    extra: dict[str, Any]
    cause: str | None = None
    message: str | None = None


class SourceList(NamedTuple):
    collection: str  # identifies SOURCE between runs
    rows: Sequence[SourceRow]

    def head(self, count: int | None) -> SourceList:
        """The first ``count`` rows, or all."""
        return self if count is None else self._replace(rows=self.rows[:count])


def _spooled(
    name: str, path: str | None, shown_path: str, subtitle: str | None, text: str | None, licence: str | None,
    consent: str, extra: dict[str, Any], cause: str | None, message: str | None,
) -> SourceRow:  # fmt: skip
    real, beside = path and Path(path), subtitle and Path(subtitle)
    return SourceRow(name, real or None, shown_path, beside or None, text, licence, consent, extra, cause, message)


def read_sources(source: str) -> SourceList:
    """Raises UsageError where SOURCE as a whole cannot be used."""
    path = Path(source).expanduser()
    if path.is_dir():
        return SourceList(str(path.resolve()), _from_files(path.resolve(), _walk(path.resolve())))
    if path.is_file() and path.suffix.lower() in MANIFEST_SUFFIXES:
        return SourceList(str(path.resolve()), _from_manifest(path.resolve()))
    if any(character in source for character in "*?["):
        return _from_glob(path)
    if path.is_file():
        raise UsageError(
            f"{source} is a single file; give a folder, a glob in quotes, or a .csv, .jsonl or .parquet manifest."
        )
    raise UsageError(f"There is no folder, glob match or manifest at {source}.")


# --- folders and globs ---------------------------------------------------------------------------------------
def _from_glob(pattern: Path) -> SourceList:
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if any(character in part for character in "*?["))
    root = Path(*parts[:first]).resolve() if first else Path.cwd()
    files = sorted(file for file in root.glob(str(Path(*parts[first:]))) if file.is_file() and _is_media(file.name))
    if not files:
        raise UsageError(f"No media file matches {pattern}.")
    rows = _from_files(root, (file.relative_to(root).as_posix() for file in files))
    return SourceList(str(root / Path(*parts[first:])), rows)


def _walk(folder: Path, prefix: str = "") -> Iterator[str]:
    """Media files under a folder, in the order of their paths, relative to it; links to folders are not followed."""
    with suppress(PermissionError), os.scandir(folder) as entries:
        folders, files = set(), set()
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.add(entry.name)
            elif _is_media(entry.name) and entry.is_file():
                files.add(entry.name)
        for name in sorted(folders | files):
            if name in folders:
                yield from _walk(folder / name, f"{prefix}{name}/")
            else:
                yield prefix + name


def _is_media(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return bool(stem) and f".{ending}".lower() in MEDIA_SUFFIXES


def _from_files(root: Path, media: Iterable[str]) -> Sequence[SourceRow]:
    """``media`` are paths relative to ``root``."""
    taken: set[str] = set()
    rows, folder = Spool(_spooled), _Folder(root)
    for shown in media:
        name = shown.rpartition(".")[0]
        name = shown if name in taken else name  # two endings on one stem: the later keeps its ending
        taken.add(name)
        rows.append(_checked(_row(name, shown), folder))
    if not rows:
        raise UsageError(f"There is no media file under {root}; known endings are {' '.join(sorted(MEDIA_SUFFIXES))}.")
    return rows


def _printable(text: str) -> str:
    """Without what no terminal, table or Parquet file can hold: control characters, bytes that are no UTF-8."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)[
        :_NAME_MAX
    ]


def _row(name: str, shown: str) -> SourceRow:
    return SourceRow(name, None, shown, None, None, None, "unstated", {})


def _checked(row: SourceRow, folder: _Folder) -> SourceRow:
    """A folder's row with its real path and the subtitle that lies beside it; links that lead out are refused."""
    path = folder.inside(row.shown_path, f"the file {_printable(row.shown_path)}")
    if not row.shown_path.isprintable():
        name = _printable(row.name)
        message = "the file's name has control characters or is no UTF-8; rename it"
        return row._replace(name=name, shown_path=_printable(row.shown_path), cause="bad_row", message=message)
    beside = (path.with_suffix(suffix) for suffix in SUBTITLE_SUFFIXES)
    subtitle = next((file for file in beside if file.is_file() and folder.holds(file.resolve())), None)
    return row._replace(path=path, subtitle=subtitle)


# --- manifests -----------------------------------------------------------------------------------------------
def _from_manifest(manifest: Path) -> Sequence[SourceRow]:
    taken: set[str] = set()
    columns: dict[str, None] = {}
    rows, folder = Spool(_spooled), _Folder(manifest.parent)
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


def _manifest_row(manifest: Path, folder: _Folder, number: int, record: dict[str, Any]) -> SourceRow:
    values = {key: _text(value) for key, value in record.items() if key in COLUMNS}
    extra = {key: value for key, value in record.items() if key not in COLUMNS and value not in (None, "")}
    shown = values.get("path")
    name = values.get("name") or (shown.rpartition(".")[0] or shown if shown else f"row{number}")
    row = _row(name, shown or "")._replace(
        text=values.get("text"), licence=values.get("licence"), consent=values.get("consent") or "unstated", extra=extra
    )
    fault = _fault(row, number)
    if fault:
        return row._replace(name=_printable(name) or f"row{number}", cause="bad_row", message=fault)
    where = f"{manifest.name}, row {number}"
    path = folder.inside(row.shown_path, where)
    subtitle = values.get("subtitle")
    return row._replace(path=path, subtitle=folder.inside(subtitle, where) if subtitle else None)


def _fault(row: SourceRow, number: int) -> str | None:
    if not row.shown_path:
        return f"row {number} has no path"
    if row.consent not in CONSENT:
        return f"row {number}: consent is {row.consent[:40]!r}, which is none of {', '.join(CONSENT)}"
    if len(row.name) > _NAME_MAX or not row.name.isprintable():
        return f"row {number}: the name is too long or has control characters"
    return None


def _text(value: Any) -> str | None:
    """None for what is empty. A JSON file can hold half characters that nothing else can; they are replaced."""
    return None if value is None or value == "" else str(value).encode("utf-8", "replace").decode()


class _Folder:
    """Real paths under one folder. Keeps the folders it has resolved, for as long as one SOURCE is read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = root.resolve()
        self._folders: dict[Path, Path] = {}

    def inside(self, relative: str, where: str) -> Path:
        """The real path of ``relative``. Raises UsageError for one that leads anywhere else."""
        path = None if "\0" in relative or Path(relative).is_absolute() else self._resolved(self._real / relative)
        if path is None or not self.holds(path):
            raise UsageError(f"{where}: the path {relative!r} leads outside {self._root}; nothing was run.")
        return path

    def holds(self, real: Path) -> bool:
        return real.is_relative_to(self._real)

    def _resolved(self, path: Path) -> Path:
        folder = self._folders.get(path.parent)
        if folder is None:
            folder = self._folders[path.parent] = path.parent.resolve()
        real = folder / path.name
        return real.resolve() if path.name == ".." or real.is_symlink() else real
