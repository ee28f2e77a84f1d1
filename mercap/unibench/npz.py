"""Official result and label archives (.npz), read without ever running a pickle; results become JSON lines.

Results of AffectGPT are NumPy archives in two layouts: ``name2reason``, a pickled dictionary of texts by clip name, or
``filenames`` and ``fileitems``, two arrays of equal length. Labels of MERBench (``label*.npz``) are pickled
dictionaries too, one per split (``train_corpus``, ``test_corpus``, ``test1_corpus``, ``whole_corpus``, ...): clip name
to ``{"emo": 3, "val": -10}``. Every fault of an archive is one UsageError naming file and member.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mercap.errors import UsageError
from mercap.files import write_text
from mercap.unibench.archive import Archive
from mercap.unibench.rows import unique

FIELDS = ("response", "openset", "sentiment")
NAME_MAX_CHARS = 300
_EPOCH = re.compile(r"checkpoint_(\d{1,9})")


def read_results(path: Path) -> dict[str, str]:
    """Texts by clip name, in the order of the archive."""
    archive = Archive(path)
    if "name2reason" in archive.members:
        return _texts(path, archive.dictionary("name2reason").items())
    if "filenames" not in archive.members or "fileitems" not in archive.members:
        raise UsageError(f"{path} holds {archive.listing()}: neither name2reason nor filenames and fileitems.")
    names, texts = archive.items("filenames"), archive.items("fileitems")
    if len(names) != len(texts):
        raise UsageError(f"{path} holds {len(names)} filenames, but {len(texts)} fileitems.")
    return _texts(path, zip(names, texts, strict=True))


def read_corpus(path: Path, corpus: str) -> dict[str, dict[str, Any]]:
    """Labels of one split by clip name: ``emo`` (a number or text), ``val`` (a number), whichever there are.

    A row that is a bare number is a ``val``, a bare text an ``emo``. Fields that are neither text nor number are left
    out.
    """
    archive = Archive(path)
    if corpus not in archive.members:
        raise UsageError(f"{path} holds {archive.listing()}: there is no {corpus}.")
    found: dict[str, dict[str, Any]] = {}
    for name, row in archive.dictionary(corpus).items():
        fields = {"emo" if isinstance(row, str) else "val": row} if isinstance(row, (str, int, float)) else row
        if not isinstance(fields, dict):
            raise UsageError(f"{path}: {name[:60]!a} of {corpus} has no labels.")
        found[_name(path, name)] = {key: value for key, value in fields.items() if isinstance(value, (str, int, float))}
    return found


def convert(paths: Sequence[Path], out: Path, field: str) -> int:
    """Write result archives as JSON lines of ``epoch`` (if the file names tell it), ``name`` and ``field``; count them.

    Several archives are the checkpoints of one run, so each name must tell its epoch (checkpoint_000030_...). ``out``
    appears whole or not at all. Raises UsageError.
    """
    if field not in FIELDS:
        raise UsageError(f"The field is {field!r}, not one of {', '.join(FIELDS)}.")
    if out.suffix != ".jsonl":
        raise UsageError(f"{out} must end in .jsonl, for that is what is written.")
    rows = [
        ({} if epoch is None else {"epoch": epoch}) | {"name": name, field: text}
        for epoch, path in _by_epoch(paths)
        for name, text in read_results(path).items()
    ]
    try:
        write_text(out, (f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from None
    return len(rows)


def _by_epoch(paths: Sequence[Path]) -> list[tuple[int | None, Path]]:
    """Archives with their epochs, in that order."""
    found: dict[int | None, Path] = {}
    for path in paths:
        match = _EPOCH.search(path.name)
        epoch = int(match[1]) if match else None
        if epoch is None and len(paths) > 1:
            raise UsageError(f"{path} is one of several, and its name tells no epoch (checkpoint_000030_...).")
        if epoch in found:
            raise UsageError(f"{found[epoch]} and {path} are both of epoch {epoch}.")
        found[epoch] = path
    if not found:
        raise UsageError("No archive was given to convert.")
    return sorted(found.items(), key=lambda item: item[0] or 0)


def _texts(path: Path, rows: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    checked = ((_name(path, name), _text(path, f"the item of {name!a}", text)) for name, text in rows)
    found: dict[str, str] = unique(path, checked)
    if not found:
        raise UsageError(f"{path} holds no results.")
    return found


def _name(path: Path, value: Any) -> str:
    name = _text(path, "a clip name", value)
    if not name.strip() or len(name) > NAME_MAX_CHARS:
        raise UsageError(f"{path}: a clip name is {name[:60]!a}, of {len(name)} characters.")
    return name


def _text(path: Path, whose: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{path}: {whose} is no text but {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise UsageError(f"{path}: {whose} is not text in Unicode.") from None
    return value
