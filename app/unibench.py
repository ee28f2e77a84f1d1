"""`mercap unibench`: MER-UniBench's scorer, its converters and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mercap.errors import UsageError
from mercap.unibench.protocols import Protocol, Task

app = typer.Typer(
    name="unibench",
    help="Score answers as MER-UniBench does, exactly, and say how sure the scores are.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


GoldFile = Annotated[Path, typer.Option("--gold", help="CSV with name,label (for the ov task name,openset).")]
Tables = Annotated[
    Path | None, typer.Option("--tables", help="Folder of the official emotion tables; default: $MERCAP_TABLES.")
]
ProtocolOption = Annotated[Protocol, typer.Option("--protocol", help="Rules to score by; see docs/unibench.md.")]
Resamples = Annotated[
    int, typer.Option("--resamples", min=0, max=1_000_000, help="For the 95 % intervals; 0 leaves them out.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def score(
    task: Annotated[Task, typer.Option("--task")],
    gold: GoldFile,
    predictions: Annotated[
        Path, typer.Option("--predictions", help="JSONL, JSONL.gz, CSV or Parquet with name and openset (sentiment).")
    ],
    tables: Tables = None,
    level: Annotated[int, typer.Option("--level", min=1, max=2, help="Of the wheels' groups.")] = 1,
    protocol: ProtocolOption = Protocol.PUBLISHED_2025,
    subset: Annotated[
        Path | None, typer.Option("--subset", help="Names of the clips to score: one per line, or a CSV with name.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Predictions of another system, to compare with clip by clip.")
    ] = None,
    epoch: Annotated[str | None, typer.Option("--epoch", help="Which epoch to compare.")] = None,
    resamples: Resamples = 10_000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score a file of predictions against gold labels; one score per epoch if the file has epochs."""
    from app.scores import show_scores
    from mercap.unibench.score import compare_files, groups_for, result_json, score_files
    from mercap.unibench.scoring import Setting

    if epoch is not None and against is None:
        raise UsageError("--epoch says which epoch to compare; give the other predictions with --against FILE.")
    setting = Setting(task, protocol, level, resamples, seed)
    result = score_files(setting, gold, predictions, tables, subset)
    body = result_json(result, groups_for(setting, tables))
    if against is not None:
        body["comparison"] = compare_files(result, against, tables, epoch)
    show_scores(body, as_json)


@app.command()
def extract(
    predictions: Annotated[Path, typer.Argument(metavar="FILE", help="Predictions with name and response.")],
    out: Annotated[Path, typer.Option("--out", help="JSONL to write; answers already in it are kept.")],
    extractor: Annotated[str, typer.Option("--extractor", help="How labels are found in a response.")] = "plain",
) -> None:
    """Find the labels in free-text responses, for `score`."""
    from mercap.unibench.extract import extract_file

    counts = extract_file(predictions, out, extractor)
    typer.echo(
        f"{out}: {counts.rows} answers, {counts.reused} of them kept from before, {counts.empty} without a label."
    )


@app.command()
def convert(
    archives: Annotated[list[Path], typer.Argument(metavar="NPZ...", help="Official result archives.")],
    out: Annotated[Path, typer.Option("--out", help="JSONL to write.")],
    field: Annotated[str, typer.Option("--field", help="What the archives hold: response, openset or sentiment.")],
) -> None:
    """Turn official .npz archives into JSONL. What is pickled in them is read as data and never run."""
    from mercap.unibench.npz import convert as convert_archives

    typer.echo(f"{out}: {convert_archives(archives, out, field)} rows.")


@app.command()
def report(
    gold: Annotated[Path, typer.Option("--gold", help="Folder of gold labels; see docs/unibench.md for its layouts.")],
    predictions: Annotated[
        list[str],
        typer.Option("--predictions", help="Folder of predictions, as DIR or NAME=DIR; again for another system."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    tables: Tables = None,
    protocol: ProtocolOption = Protocol.PUBLISHED_2025,
    resamples: Resamples = 10_000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score folders of predictions on every set they have; write leaderboard, page, plots and a log per clip."""
    from app.unibench_report import report as write

    write(gold, predictions, out, tables, protocol, resamples, seed, as_json)
