"""The command line: each command parses, calls one function, prints the answer.

Human text by default; with ``--json`` one object on standard output. Progress goes to standard error. Heavy modules are
imported by the command that needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from app import features, training, unibench, vocabulary
from mercap.errors import ExitCode, LedgerImbalance, MercapError, UsageError, is_disk_full

if TYPE_CHECKING:
    from flows.observer import Observer
    from flows.options import AnnotateOptions
    from flows.run import Report

app = typer.Typer(
    name="mercap",
    help="Turn video clips of people into a dataset of emotion captions one can query.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(vocabulary.app)
app.add_typer(unibench.app)

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Folder, glob in quotes, or manifest (.csv, .jsonl, .parquet).")
]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
RecipeName = Annotated[str, typer.Option("--recipe", help="Shipped recipe, or path of a .toml file.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Take only the first N names.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def annotate(
    source: Source,
    store: StoreFolder,
    recipe: RecipeName = "embedded",
    limit: Limit = None,
    shard_size: Annotated[int, typer.Option("--shard-size", min=1, max=10_000, help="Clips per shard.")] = 500,
    max_quarantine: Annotated[
        str,
        typer.Option(
            "--max-quarantine", help="Share of names that may be quarantined, as 0.05 or 5%; above it: exit code 3."
        ),
    ] = "5%",
    retry_quarantined: Annotated[
        str | None,
        typer.Option("--retry-quarantined", metavar="CAUSE", help="Try what failed of this cause again, or all."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="AMOUNT", help="What may be spent on models, as 20USD or 1.5Mtok."),
    ] = None,
    runner: Annotated[str, typer.Option("--runner", help="prefect, or plain (no server).")] = "prefect",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Worker processes; default: one per core.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Annotate SOURCE into a store: every stage, then a snapshot and the published file."""
    from app.progress import watching
    from app.render import show_report
    from flows.options import AnnotateOptions

    if runner not in ("prefect", "plain"):
        raise UsageError(f"--runner is prefect or plain, not {runner!r}.")
    values: dict[str, Any] = {"workers": workers} if workers else {}
    options = AnnotateOptions(
        source=source,
        store=str(store),
        recipe=recipe,
        limit=limit,
        shard_size=shard_size,
        max_quarantine=parse_share(max_quarantine),
        retry_quarantined=retry_quarantined,
        budget=budget,
        **values,
    )
    try:
        with watching() as observer:
            report = _runner(runner)(options, observer)
    except KeyboardInterrupt:
        # Typer would make exit code 130 of it, without a word on what is kept.
        _fail("Interrupted. What was computed is kept; the same command goes on from there.", ExitCode.INTERRUPTED)
    show_report(report, as_json)
    raise typer.Exit(report.exit_code)


def _runner(name: str) -> Callable[[AnnotateOptions, Observer], Report]:
    if name == "plain":
        from flows.plain import annotate_plainly

        return annotate_plainly
    from flows.prefect_runner import annotate_with_prefect

    return annotate_with_prefect


@app.command()
def plan(
    source: Source, store: StoreFolder, recipe: RecipeName = "embedded", limit: Limit = None, as_json: AsJson = False
) -> None:
    """Say what `annotate` would compute, to the cell, and why. Runs nothing."""
    from app.render import show_forecast
    from flows.forecast import forecast_run

    show_forecast(forecast_run(source, store.expanduser(), recipe, limit), as_json)


@app.command()
def preview(
    source: Source,
    recipe: RecipeName = "embedded",
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=50, help="How many clips, from the first on.")] = 3,
    store: Annotated[
        Path | None,
        typer.Option("--store", help="Keep paid answers in this store's journal, for `annotate` to find."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Annotate a few clips and show every prompt, reply and caption. Leaves no cells behind."""
    from app.preview import show_preview
    from flows.preview import preview_run

    show_preview(preview_run(source, recipe, count, store.expanduser() if store else None), as_json)


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="NAME")], store: StoreFolder, as_json: AsJson = False) -> None:
    """Show one clip through every stage, and why it was kept or not."""
    from app.render import show_clip
    from storage.inspect import inspect_name
    from storage.store import Store

    show_clip(inspect_name(Store.open(store), name), as_json)


@app.command()
def status(store: StoreFolder, as_json: AsJson = False) -> None:
    """Say what the store holds: runs, the newest ledger, snapshots."""
    from app.render import show_status
    from storage.inspect import store_status
    from storage.store import Store

    show_status(store_status(Store.open(store)), as_json)


@app.command()
def query(
    store: StoreFolder,
    sql: Annotated[
        str | None, typer.Argument(metavar="SQL", help="One SELECT; without it, the views are listed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="An array of rows on standard output.")] = False,
) -> None:
    """Ask the published file with one SELECT. It is opened read-only and reaches no other file."""
    from app.render import show_answer, show_views
    from storage.query import query as ask
    from storage.store import Store
    from storage.views import VIEWS

    if sql is None:
        show_views(VIEWS, as_json)
    else:
        show_answer(ask(Store.open(store), sql), as_json)


@app.command()
def publish(store: StoreFolder, recipe: RecipeName = "embedded", as_json: AsJson = False) -> None:
    """Take a snapshot of the finished runs of a recipe and publish it."""
    from app.render import show_published
    from flows.republish import republish
    from storage.store import Store

    show_published(republish(Store.open(store), recipe), as_json)


@app.command()
def verify(store: StoreFolder, as_json: AsJson = False) -> None:
    """Check the store against itself: parts, digests, snapshots, ledgers. Exit code 1 if anything is wrong."""
    from app.render import show_findings
    from storage.store import Store
    from storage.verify import verify as check

    findings = check(Store.open(store))
    show_findings(findings, as_json)
    raise typer.Exit(ExitCode.BUG if any(finding.level == "error" for finding in findings) else ExitCode.DONE)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say which roles can run here, and the one command that would enable each other one."""
    from app.doctor import examine
    from app.render import show_doctor

    report = examine()
    show_doctor(report, as_json)
    raise typer.Exit(ExitCode.DONE if report.healthy else ExitCode.USAGE)


app.command()(features.features)
app.command()(training.train)
app.command()(training.infer)


def parse_share(text: str) -> float:
    """``0.05`` or ``5%`` as a fraction. Raises UsageError."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"--max-quarantine is a share such as 0.05 or 5%, not {text!r}.")
    return share


def main() -> NoReturn:
    """Entry point: errors that a person can mend become one sentence and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(app(standalone_mode=True))
    except LedgerImbalance as error:
        _fail(str(error), error.exit_code)
    except MercapError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        if not is_disk_full(error):
            raise
        _fail(
            "There is no room left to write, in the store or for temporary files (TMPDIR says where those go). "
            "What was finished is kept: make room and give the same command again.",
            ExitCode.INTERRUPTED,
        )


def _terminate(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _fail(sentence: str, code: ExitCode) -> NoReturn:
    print(f"mercap: {sentence}", file=sys.stderr)  # noqa: T201 - this is the program's voice
    sys.exit(code)
