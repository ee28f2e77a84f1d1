"""One row of SOURCE, and the folder that its paths may not leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mercap.errors import UsageError

# From most to least permissive. Several sources of one clip: the strictest wins.
CONSENT = ("any", "unstated", "research", "internal", "withdrawn")
NAME_MAX = 512


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


def spooled(
    name: str, path: str | None, shown_path: str, subtitle: str | None, text: str | None, licence: str | None,
    consent: str, extra: dict[str, Any], cause: str | None, message: str | None,
) -> SourceRow:  # fmt: skip
    """A row as a spool gives it back."""
    real, beside = path and Path(path), subtitle and Path(subtitle)
    return SourceRow(name, real or None, shown_path, beside or None, text, licence, consent, extra, cause, message)


def blank_row(name: str, shown: str) -> SourceRow:
    return SourceRow(name, None, shown, None, None, None, "unstated", {})


def printable(text: str) -> str:
    """Without what no terminal, table or Parquet file can hold: control characters, bytes that are no UTF-8."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)[
        :NAME_MAX
    ]


class Folder:
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
