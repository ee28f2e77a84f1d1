"""Renew the pages and golden files that are made from code: ``python -m tests.renew``. Look at the difference."""

from __future__ import annotations

from mercap.errors import CAUSES
from storage.views import views_markdown
from tests.lab import ROOT


def causes_markdown() -> str:
    lines = ["# Causes", "", "Why a name is quarantined or a cell is absent; made from `mercap/errors.py`.", ""]
    rows = [f"| `{cause}` | {about} |" for cause, about in CAUSES.items()]
    return "\n".join([*lines, "| cause | |", "|---|---|", *rows, ""])


def main() -> None:
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "views.md").write_text(views_markdown(), encoding="utf-8")
    (ROOT / "docs" / "causes.md").write_text(causes_markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
