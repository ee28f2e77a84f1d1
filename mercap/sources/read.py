"""Reading SOURCE: a folder, a glob or a manifest becomes rows that name media files. Nothing is opened yet."""

from __future__ import annotations

from pathlib import Path

from mercap.errors import UsageError
from mercap.sources.files import list_folder, list_glob
from mercap.sources.manifest import MANIFEST_SUFFIXES, read_manifest
from mercap.sources.rows import SourceList


def read_sources(source: str) -> SourceList:
    """Raises UsageError where SOURCE as a whole cannot be used."""
    path = Path(source).expanduser()
    if path.is_dir():
        return list_folder(path.resolve())
    if path.is_file() and path.suffix.lower() in MANIFEST_SUFFIXES:
        return SourceList(str(path.resolve()), read_manifest(path.resolve()))
    if any(character in source for character in "*?["):
        return list_glob(path)
    if path.is_file():
        raise UsageError(
            f"{source} is a single file; give a folder, a glob in quotes, or a .csv, .jsonl or .parquet manifest."
        )
    raise UsageError(f"There is no folder, glob match or manifest at {source}.")
