"""A file of answers, one JSON object per line and name, that grows batch by batch and is gone on with.

`mercap unibench extract` reads it: ``name`` and ``response``. ``by`` is a digest of everything that decides an answer;
a file holds the answers of one model, asked one way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mercap.errors import StoreError, UsageError


class AnswerFile:
    """Opens the file at ``path``, made if it is new; ``names`` are those it has answers for.

    A last line that was cut off is dropped. Raises UsageError where the answers are by something else, StoreError
    naming a line that is no answer.
    """

    def __init__(self, path: Path, by: str) -> None:
        self.path, self.by = path, by
        self.names: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._read() if path.exists() else 0
        with path.open("ab") as file:
            file.truncate(whole)

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Answers, on the disk when this returns. Each has ``name``, ``clip`` and ``response``."""
        found = list(rows)
        lines = "".join(json.dumps({**row, "by": self.by}, ensure_ascii=False) + "\n" for row in found)
        with self.path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        self.names.update(str(row["name"]) for row in found)

    def _read(self) -> int:
        """Bytes of the lines that are whole."""
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                self._take(number, line)
        return whole

    def _take(self, number: int, line: bytes) -> None:
        try:
            row = json.loads(line)
            name, by = str(row["name"]), str(row["by"])
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{self.path}, line {number}, is not an answer; take the line out.") from None
        if by != self.by:
            raise UsageError(
                f"{self.path} holds answers of another model, or asked another way; give another file with --out."
            )
        self.names.add(name)
