"""The official emotion tables: five wheels, synonyms and word forms, read from a folder in their published layout.

``wheel1.xlsx`` to ``wheel5.xlsx`` (columns level1, level2, level3; a blank cell repeats the one above),
``synonym.xlsx`` (pairs of columns word_run1, synonym_run1, ...) and ``format.csv`` (name, format: a base word and its
forms). They come with MERTools (MER2025 track 2/3, MER2026 track 2) and are not part of mercap. Every text is trimmed
and lower-cased. Reading takes about 50 ms.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mercap.errors import UsageError

WHEELS = 5
LEVELS = (1, 2)
FILES = (*(f"wheel{number}.xlsx" for number in range(1, WHEELS + 1)), "synonym.xlsx", "format.csv")
WHERE_FROM = "the emotion_wheel folder of github.com/zeroQiaoba/MERTools (MER2025 or MER2026)"

Rows = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Tables:
    """``wheels`` are rows of (level1, level2, level3); the maps go from a word to all it may stand for."""

    wheels: tuple[Rows, ...]
    synonyms: dict[str, frozenset[str]]  # word -> wheel words; a wheel word stands for itself, too
    forms: dict[str, frozenset[str]]  # word form -> base words

    def wheel_words(self, form: str) -> list[str]:
        """All wheel words a form may stand for, in alphabetical order."""
        return sorted({word for base in self.forms.get(form, ()) for word in self.synonyms.get(base, ())})


def read_tables(folder: Path) -> Tables:
    """Read the seven files. Raises UsageError naming the file that is missing or not as described."""
    for name in FILES:
        if not (folder / name).is_file():
            raise UsageError(f"{folder} has no {name}; the official tables are {WHERE_FROM}.")
    wheels = tuple(_read_wheel(folder / f"wheel{number}.xlsx") for number in range(1, WHEELS + 1))
    return Tables(wheels, _read_synonyms(folder / "synonym.xlsx"), _read_forms(folder / "format.csv"))


def wheel_map(rows: Rows, level: int) -> dict[str, str]:
    """Every word of a wheel -> its group. Where a word stands twice, the later row counts.

    At level 2 a level-1 word stands for the alphabetically first of its children.
    """
    if level == 1:
        return {word: first for first, second, third in rows for word in (first, second, third)}
    groups = {first: min(child for parent, child, _ in rows if parent == first) for first, _, _ in rows}
    for _, second, third in rows:
        groups[second] = groups[third] = second
    return groups


def without_antonyms(tables: Tables) -> Tables:
    """The tables without forms that say the opposite of their base word ("fear" as a form of "fearless").

    The 2025 ``format.csv`` holds about 70 of them, the 2026 one a dozen.
    """
    kept = {form: frozenset(base for base in bases if not opposite(form, base)) for form, bases in tables.forms.items()}
    return Tables(tables.wheels, tables.synonyms, {form: bases for form, bases in kept.items() if bases})


def opposite(form: str, base: str) -> bool:
    """Whether exactly one of two words of one family is negated, by "-less" or by "un-"."""
    if ("less" in form) != ("less" in base):
        return True
    return _negates(form, base) or _negates(base, form)


def _negates(one: str, other: str) -> bool:
    return one.startswith("un") and not other.startswith("un") and one[2:6] == other[:4]


def _read_wheel(path: Path) -> Rows:
    rows = _sheet(path)
    columns = _columns(path, rows[0] if rows else [], ("level1", "level2", "level3"))
    above = ["", "", ""]
    found = []
    for number, row in enumerate(rows[1:], 2):
        above = [_word(row[column]) or before for column, before in zip(columns, above, strict=True)]
        if not all(above):
            raise UsageError(f"{path}, row {number}: a cell is blank and there is none above it to repeat.")
        found.append((above[0], above[1], above[2]))
    if not found:
        raise UsageError(f"{path} has no rows.")
    return tuple(found)


def _read_synonyms(path: Path) -> dict[str, frozenset[str]]:
    rows = _sheet(path)
    header = [_word(cell) for cell in rows[0]] if rows else []
    runs = [name.removeprefix("word_") for name in header if name.startswith("word_")]
    if not runs:
        raise UsageError(
            f"{path} needs columns word_run1, synonym_run1 and so on; it has {', '.join(header) or 'none'}."
        )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for run in runs:
        word_column, synonym_column = _columns(path, header, (f"word_{run}", f"synonym_{run}"))
        for row in rows[1:]:
            word = _word(row[word_column])
            for name in [word, *_listed(row[synonym_column])] if word else ():
                found[name].add(word)
    return {name: frozenset(words) for name, words in found.items()}


def _read_forms(path: Path) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV in UTF-8: {error}.") from None
    name, listed = _columns(path, rows[0] if rows else [], ("name", "format"))
    for row in rows[1:]:
        base = _word(row[name]) if len(row) > max(name, listed) else ""
        for form in [base, *_listed(row[listed])] if base else ():
            found[form].add(base)
    return {form: frozenset(bases) for form, bases in found.items()}


def _sheet(path: Path) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    except (CalamineError, OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a spreadsheet: {error}.") from None


def _columns(path: Path, header: list[Any], wanted: tuple[str, ...]) -> list[int]:
    names = [_word(cell) for cell in header]
    for name in wanted:
        if name not in names:
            raise UsageError(f"{path} has no column {name}; it has {', '.join(names) or 'none'}.")
    return [names.index(name) for name in wanted]


def _listed(cell: Any) -> list[str]:
    return [word for part in str(cell).split(",") if (word := _word(part))]


def _word(cell: Any) -> str:
    return str(cell).strip().lower()
