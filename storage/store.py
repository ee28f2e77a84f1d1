"""The store: one folder, its layout, and access to the parts in it.

    store.json                      schema version
    configs/<digest>.json           every config that any cell was computed under
    cells/<stage>/part-*.parquet    immutable parts of cells
    runs/<run>/                     run.json, sources.parquet, current.parquet, ledger.json
    snapshots/000001.json           exact files, per recipe
    published/mercap.duckdb         what curators open; disposable, rebuilt from the snapshot
    journal/*.jsonl                 answers of model endpoints, as they came (mercap/dispatch/journal.py)
    derived/                        decoded media; disposable, rebuilt from the clips
    digests.parquet                 (path, size, mtime) -> SHA-256; disposable

There is no lock anywhere: parts have names no two writers can share, and the read rule (storage/cells.py) makes two
writers of the same cell harmless.
"""

from __future__ import annotations

import contextlib
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mercap.errors import StoreError
from mercap.files import read_json, write_atomically, write_json
from mercap.identity import digest_config
from storage.migrations import check_version, migrate, schema_version
from storage.schema import SCHEMA_VERSION, CellRow, cells_table

FOLDERS = ("configs", "cells", "runs", "snapshots", "published", "derived")


class Store:
    """An opened store. Cheap: nothing is read but ``store.json``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # --- opening ---------------------------------------------------------------------------------------------
    @classmethod
    def create(cls, root: Path) -> Store:
        """Open the store at ``root``, or make one in a folder that is new or empty. Raises StoreError."""
        if not (root / "store.json").exists():
            if root.exists() and (not root.is_dir() or not _is_blank(root)):
                raise StoreError(f"{root} is not a mercap store and is not empty; name a new folder with --store.")
            root.mkdir(parents=True, exist_ok=True)
            for name in FOLDERS:
                (root / name).mkdir(exist_ok=True)
            with contextlib.suppress(FileExistsError):  # another process was first: theirs serves as well
                write_json(root / "store.json", {"schema": SCHEMA_VERSION}, exclusive=True)
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> Store:
        """Raises StoreError when there is no store, or one written by a newer mercap."""
        try:
            version = int(read_json(root / "store.json")["schema"])
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(
                f"There is no store at {root}; make one with: mercap annotate SOURCE --store {root}"
            ) from None
        except (ValueError, KeyError, TypeError, OSError):
            raise StoreError(
                f"{root / 'store.json'} cannot be read; restore it or annotate into a new folder."
            ) from None
        check_version(version)
        return cls(root)

    # --- places ----------------------------------------------------------------------------------------------
    @property
    def derived(self) -> Path:
        return self.root / "derived"

    @property
    def published(self) -> Path:
        return self.root / "published" / "mercap.duckdb"

    def run_folder(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def parts(self, stage: str) -> list[Path]:
        """The parts of one stage, sorted by name."""
        return sorted((self.root / "cells" / stage).glob("part-*.parquet"))

    def part(self, stage: str, row: str) -> tuple[Path, int]:
        """The part that a row lies in, and its place there: what `row_id` made a name of."""
        stem, _, place = row.rpartition(":")
        return self.root / "cells" / stage / f"{stem}.parquet", int(place)

    # --- configs ---------------------------------------------------------------------------------------------
    def keep_config(self, config: dict[str, Any]) -> str:
        """Store a config under its digest, once and for good; returns the digest."""
        digest = digest_config(config)
        path = self.root / "configs" / f"{digest}.json"
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                write_json(path, config, exclusive=True)
        return digest

    def config(self, digest: str) -> dict[str, Any]:
        config: dict[str, Any] = read_json(self.root / "configs" / f"{digest}.json")
        return config

    # --- parts -----------------------------------------------------------------------------------------------
    def write_part(
        self, stage: str, run_id: str, shard: int, rows: list[CellRow], committed_at: datetime | None = None
    ) -> Path:
        """One immutable part, committed now. The rows get their ids here: the part's name and their place in it."""
        folder = self.root / "cells" / stage
        folder.mkdir(exist_ok=True)
        stem = f"part-{run_id}-{shard:05d}-{secrets.token_hex(5)}"
        path = folder / f"{stem}.parquet"
        row_ids = [row_id(stem, place) for place in range(len(rows))]
        table = cells_table(rows, row_ids, committed_at or datetime.now(UTC))
        write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
        return path

    def read_part(self, path: Path, columns: tuple[str, ...] | None = None) -> Any:
        """A part as a pyarrow table of the current schema. Raises StoreError naming a damaged file."""
        try:
            file = pq.ParquetFile(path)
            # Bringing an older part up to date may need any column; a current one gives only those asked for.
            current = schema_version(file.schema_arrow) == SCHEMA_VERSION
            table = file.read(columns=list(columns) if columns and current else None)
        except (OSError, pa.ArrowException) as error:
            why = str(error).splitlines()[0]
            raise StoreError(
                f"{path} is damaged ({why}); delete it and annotate again, its cells are computed anew."
            ) from None
        table = migrate(table)
        return table.select(list(columns)) if columns else table


def row_id(part: str, place: int) -> str:
    """Name of one row: the stem of its part's file and its place in it."""
    return f"{part}:{place}"


def _is_blank(root: Path) -> bool:
    """No file in it other than what a store that was killed while being made leaves behind."""
    return all(entry.name in FOLDERS or entry.name.startswith(".") for entry in root.iterdir())
