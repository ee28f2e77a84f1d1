"""Rows of a folder or a glob: its media files, each with the subtitle that lies beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mercap.errors import UsageError
from mercap.sources.rows import Folder, SourceList, SourceRow, blank_row, printable, spooled
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


def list_folder(root: Path) -> SourceList:
    """Raises UsageError where there is no media file, or one leads outside."""
    return SourceList(str(root), _rows_of(root, _walk(root)))


def list_glob(pattern: Path) -> SourceList:
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if any(character in part for character in "*?["))
    root = Path(*parts[:first]).resolve() if first else Path.cwd()
    files = sorted(file for file in root.glob(str(Path(*parts[first:]))) if file.is_file() and _is_media(file.name))
    if not files:
        raise UsageError(f"No media file matches {pattern}.")
    rows = _rows_of(root, (file.relative_to(root).as_posix() for file in files))
    return SourceList(str(root / Path(*parts[first:])), rows)


def _walk(folder: Path, prefix: str = "") -> Iterator[str]:
    """Media files under a folder, in the order of their paths, relative to it; links to folders are not followed.

    A folder that cannot be read is given as such, with a slash at its end.
    """
    kinds: dict[str, bool] = {}  # of folders and media files by name: whether it is a folder
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    kinds[entry.name] = True
                elif _is_media(entry.name) and _is_file(entry):
                    kinds[entry.name] = False
    except PermissionError:
        yield prefix
        return
    for name in sorted(kinds):
        if kinds[name]:
            yield from _walk(folder / name, f"{prefix}{name}/")
        else:
            yield prefix + name


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Or a link to what nobody may look at, which is found out when it is opened."""
    try:
        return entry.is_file()
    except PermissionError:
        return True


def _is_media(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return bool(stem) and f".{ending}".lower() in MEDIA_SUFFIXES


def _rows_of(root: Path, media: Iterable[str]) -> Sequence[SourceRow]:
    """``media`` are paths relative to ``root``."""
    taken: set[str] = set()
    rows, folder = Spool(spooled), Folder(root)
    for shown in media:
        if shown.endswith("/") or not shown:
            rows.append(_unreadable(root, shown))
            continue
        name = shown.rpartition(".")[0]
        name = shown if name in taken else name  # two endings on one stem: the later keeps its ending
        taken.add(name)
        rows.append(_checked(blank_row(name, shown), folder))
    if not rows:
        raise UsageError(f"There is no media file under {root}; known endings are {' '.join(sorted(MEDIA_SUFFIXES))}.")
    return rows


def _unreadable(root: Path, folder: str) -> SourceRow:
    """What lies in it cannot be told, so the folder itself is the name that fails."""
    if not folder:
        raise UsageError(f"The folder {root} cannot be read; see its permissions.")
    message = f"the folder {printable(folder)} cannot be read, so that nothing in it is annotated"
    return blank_row(printable(folder), printable(folder))._replace(cause="unreadable_file", message=message)


def _checked(row: SourceRow, folder: Folder) -> SourceRow:
    """A folder's row with its real path and the subtitle that lies beside it; links that lead out are refused."""
    path = folder.inside(row.shown_path, f"the file {printable(row.shown_path)}")
    if not row.shown_path.isprintable():
        name = printable(row.name)
        message = "the file's name has control characters or is no UTF-8; rename it"
        return row._replace(name=name, shown_path=printable(row.shown_path), cause="bad_row", message=message)
    beside = (path.with_suffix(suffix) for suffix in SUBTITLE_SUFFIXES)
    subtitle = next((file for file in beside if file.is_file() and folder.holds(file.resolve())), None)
    return row._replace(path=path, subtitle=subtitle)
