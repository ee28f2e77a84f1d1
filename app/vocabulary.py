"""`mercap vocabulary`: how words are understood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="vocabulary", help="How a word resolves on the emotion wheels.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def vocabulary() -> None:
    """How a word resolves on the emotion wheels."""


@app.command()
def explain(
    word: Annotated[str, typer.Argument(metavar="WORD")],
    tables: Annotated[
        Path | None, typer.Option("--tables", help="Folder of the official emotion tables; default: $MERCAP_TABLES.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show which group WORD belongs to on each wheel, and why."""
    from app.scores import show_explanation
    from mercap.vocabulary.explain import explain as explain_word
    from mercap.vocabulary.kept import tables_folder
    from mercap.vocabulary.tables import read_tables

    show_explanation(explain_word(read_tables(tables_folder(tables)), word), as_json)
