"""What docs/training.md says of the fields is what they are."""

from __future__ import annotations

import re

from mercap.affectgpt.training.options import TRAINING, TrainingOptions
from tests.lab import ROOT

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
ROWS = {
    name: [cell.strip() for cell in row.split("|")[1:-1]]
    for row in PAGE.splitlines()
    if row.startswith("| `") and row.count("|") == 5
    for name in re.findall(r"`(\w+)`", row.split("|")[1])
}


def test_every_field_has_a_row_and_no_row_is_without_a_field() -> None:
    assert set(ROWS) == set(TrainingOptions.model_fields)


def test_the_rows_mark_what_may_change_on_the_way() -> None:
    marked = {name for name, cells in ROWS.items() if cells[0].endswith("*")}
    assert marked == TrainingOptions.not_identity


def test_the_defaults_of_both_recipes_are_as_written() -> None:
    compared = 0
    for column, recipe in enumerate(TRAINING, start=1):
        options = TRAINING[recipe]()
        for name, cells in ROWS.items():
            if re.fullmatch(r"[\d.e-]*\d|true|false|auto|constant|cosine", cells[column]):
                assert said(cells[column], getattr(options, name)), (recipe, name)
                compared += 1
    assert compared > 30


def said(cell: str, value: object) -> bool:
    return float(cell) == value if cell[0].isdigit() else cell == str(value).lower()
