"""What every command prints with: a console, untrusted text made harmless, tables, and JSON. Imports nothing heavy."""

from __future__ import annotations

import json
import sys
import unicodedata
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def console() -> Console:
    width = None if sys.stdout.isatty() else 140
    return Console(highlight=False, soft_wrap=False, width=width)


def plain(value: Any) -> Text:
    """Untrusted text for a terminal: no markup, no control characters that would move its cursor; lists by comma."""
    text = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Text(
        "".join(
            c if c == "\n" or not unicodedata.category(c).startswith("C") else "\N{REPLACEMENT CHARACTER}" for c in text
        )
    )


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_json_value, allow_nan=False) + "\n")


def _json_value(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(plain(column), justify="right" if column in right else "left", overflow="fold")
    return made
