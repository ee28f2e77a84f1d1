"""`mercap features`: parses, calls one function, prints the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mercap.affectgpt.encoders.table import ENCODERS, ENCODERS_OF, STREAMS, Stream
from mercap.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from flows.features import FeatureReport
    from mercap.affectgpt.encoders.options import EncoderOptions

NONE = "none"


def _kinds(stream: Stream) -> str:
    return ", ".join(kind for kind, row in ENCODERS.items() if row.reads == stream)


def features(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Folder, glob in quotes, or manifest (.csv, .jsonl, .parquet).")
    ],
    store: Annotated[Path, typer.Option("--store", help="Folder of the store.")],
    model: Annotated[str, typer.Option("--model", help=f"Encode for this model: {', '.join(ENCODERS_OF)}.")] = "tiny",
    face: Annotated[
        str | None, typer.Option("--face", metavar="KIND", help=f"Encoder of the face, or none: {_kinds('face')}.")
    ] = None,
    face_model: Annotated[
        str | None, typer.Option("--face-model", metavar="MODEL", help="Folder or repository of its weights.")
    ] = None,
    face_revision: Annotated[
        str, typer.Option("--face-revision", metavar="REV", help="Branch, tag or commit of the repository.")
    ] = "main",
    crop: Annotated[str, typer.Option("--crop", help="face, or frame: the middle of the whole picture.")] = "face",
    audio: Annotated[
        str | None, typer.Option("--audio", metavar="KIND", help=f"Encoder of the voice, or none: {_kinds('audio')}.")
    ] = None,
    audio_model: Annotated[
        str | None, typer.Option("--audio-model", metavar="MODEL", help="Folder or repository of its weights.")
    ] = None,
    audio_revision: Annotated[
        str, typer.Option("--audio-revision", metavar="REV", help="Branch, tag or commit of the repository.")
    ] = "main",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[str, typer.Option("--dtype", help="float32, bfloat16 or float16.")] = "float32",
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, max=1024, help="Clips at once; default: 1 on a CPU, 16 on a GPU.")
    ] = None,
    shard_size: Annotated[int, typer.Option("--shard-size", min=1, max=10_000, help="Clips per shard.")] = 200,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Worker processes; default: one per core.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Take only the first N names.")] = None,
    max_quarantine: Annotated[
        str,
        typer.Option("--max-quarantine", help="Share of names that may fail, as 5%; above it: exit code 3."),
    ] = "5%",
    download: Annotated[bool, typer.Option("--download", help="Fetch models that are not on this machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Encode the faces and voices of SOURCE into the store, for training and inference."""
    from app.cli import parse_share
    from app.progress import watching
    from flows.features import FeatureOptions, encode_features

    shared = {"device": device, "dtype": dtype, "batch": batch, "download": download}
    named = {
        "face": {"kind": face, "model": face_model, "revision": face_revision, "crop": crop},
        "audio": {"kind": audio, "model": audio_model, "revision": audio_revision},
    }
    values: dict[str, Any] = {"workers": workers} if workers else {}
    options = FeatureOptions(
        source=source,
        store=str(store),
        encoders=chosen_encoders(model, {stream: one | shared for stream, one in named.items()}),
        shard_size=shard_size,
        limit=limit,
        max_quarantine=parse_share(max_quarantine),
        **values,
    )
    try:
        with watching() as observer:
            report = encode_features(options, observer)
    except KeyboardInterrupt:
        typer.echo("mercap: Interrupted. What was encoded is kept; the same command goes on from there.", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    show_features(report, as_json)
    raise typer.Exit(report.exit_code)


def chosen_encoders(preset: str, named: dict[str, dict[str, Any]]) -> tuple[EncoderOptions, ...]:
    """The encoders a person named, else those of the model preset. Raises UsageError."""
    from mercap.affectgpt.encoders.options import EncoderOptions

    if preset not in ENCODERS_OF:
        raise UsageError(f"--model is one of {', '.join(ENCODERS_OF)}, not {preset!r}.")
    chosen = []
    for stream in STREAMS:
        values = named[stream]
        kind = values["kind"] or ENCODERS_OF[preset][stream]
        if kind == NONE:
            continue
        if kind not in ENCODERS or ENCODERS[kind].reads != stream:
            raise UsageError(f"--{stream} is one of {_kinds(stream)} or none, not {kind!r}.")
        try:
            chosen.append(EncoderOptions.model_validate(values | {"kind": kind}))
        except ValueError as fault:
            raise UsageError(f"--{stream}: {_first_reason(fault)}.") from None
    if not chosen:
        raise UsageError("--face none and --audio none leave nothing to encode.")
    return tuple(chosen)


def _first_reason(fault: ValueError) -> str:
    errors: list[dict[str, Any]] = getattr(fault, "errors", list)()
    if not errors:
        return str(fault)
    where = "".join(f"{part}: " for part in errors[0]["loc"])
    return where + str(errors[0]["msg"]).removeprefix("Value error, ")


def show_features(report: FeatureReport, as_json: bool) -> None:
    from app.terminal import console, plain, print_json

    if as_json:
        print_json(report.as_json())
        return
    out = console()
    out.print(_streams(report))
    out.print(
        f"\n{report.names} names, {report.clips} clips, {report.quarantined} names quarantined at the door; "
        f"{report.seconds:.1f} s."
    )
    for stream in report.streams:
        out.print(plain(f"{stream.stream}: {stream.steps} x {stream.dim} per clip in {stream.folder}"), soft_wrap=True)


def _streams(report: FeatureReport) -> Table:
    from app.terminal import plain, table

    numbers = ("encoded", "already", "absent", "quarantined", "seconds")
    shown = table("stream", "encoder", *numbers, "causes", right=numbers)
    for stream in report.streams:
        causes = ", ".join(f"{cause} {count}" for cause, count in (stream.absent | stream.quarantined).items())
        counts = (stream.encoded, stream.already, sum(stream.absent.values()), sum(stream.quarantined.values()))
        cells = (str(count) if count else "·" for count in counts)
        shown.add_row(stream.stream, plain(stream.encoder), *cells, f"{stream.seconds:.1f}", causes)
    return shown
