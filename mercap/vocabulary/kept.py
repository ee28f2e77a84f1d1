"""Resolved tables kept in the user's cache folder, so that the next process has them in some milliseconds.

The name of a kept file is a digest of the seven files and of this code's version; one that cannot be read is made
again. Where the cache folder cannot be written, nothing is kept. JSON only.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from pathlib import Path

import numpy as np

from mercap.errors import UsageError
from mercap.files import write_text
from mercap.identity import digest_config, digest_file
from mercap.vocabulary.groups import Groups, resolve
from mercap.vocabulary.tables import FILES, LEVELS, WHEELS, read_tables

VERSION = 1  # of what `resolve` answers
ENVIRONMENT = "MERCAP_TABLES"


def tables_folder(given: Path | None) -> Path:
    """The folder of the official tables: the one given, else the environment's. Raises UsageError without either."""
    chosen = given or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if chosen is None:
        raise UsageError(f"The official tables are needed: give their folder with --tables DIR or in {ENVIRONMENT}.")
    if not chosen.expanduser().is_dir():
        raise UsageError(f"{chosen} is no folder; give the folder of the official tables with --tables DIR.")
    return chosen.expanduser()


def tables_digest(folder: Path) -> str:
    """What the seven files hold. Raises UsageError where one is missing."""
    try:
        return digest_config({name: digest_file(folder / name) for name in FILES})
    except OSError as error:
        raise UsageError(f"{error.filename} of the official tables cannot be read: {error.strerror}.") from None


@functools.cache
def load_groups(folder: Path, *, corrected: bool = False) -> Groups:
    """Resolved tables of ``folder``, from the cache if they are there; see `resolve`."""
    digest = digest_config({"version": VERSION, "tables": tables_digest(folder), "corrected": corrected})
    path = cache_folder() / f"{digest}.json"
    kept = _read(path)
    if kept is None:
        kept = resolve(read_tables(folder), corrected=corrected)
        _write(path, kept)
    return kept


def cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "mercap" / "tables"


def _read(path: Path) -> Groups | None:
    try:
        found = json.loads(path.read_bytes())
        places = np.array(found["places"], np.int8).reshape(len(found["forms"]), WHEELS, len(LEVELS))
        names = tuple(tuple(tuple(map(str, level)) for level in wheel) for wheel in found["names"])
        return Groups(tuple(map(str, found["forms"])), names, places)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _write(path: Path, groups: Groups) -> None:
    body = {"forms": groups.forms, "names": groups.names, "places": groups.places.ravel().tolist()}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, [json.dumps(body, ensure_ascii=False)])
