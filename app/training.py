"""`mercap train` and `mercap infer`: the AffectGPT model, trained on a store's captions and asked about its clips."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mercap.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mercap.affectgpt.encoders.options import EncoderOptions

StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
Preset = Annotated[
    str, typer.Option("--model", metavar="PRESET", help="affectgpt_2025, affectgpt_2024, modern or tiny.")
]
FaceKind = Annotated[str | None, typer.Option("--face", help="Encoder of the face; default: the preset's.")]
FaceModel = Annotated[str | None, typer.Option("--face-model", help="Its folder or repository.")]
FaceRevision = Annotated[str | None, typer.Option("--face-revision", help="Of that repository.")]
AudioKind = Annotated[str | None, typer.Option("--audio", help="Encoder of the voice; default: the preset's.")]
AudioModel = Annotated[str | None, typer.Option("--audio-model", help="Its folder or repository.")]
AudioRevision = Annotated[str | None, typer.Option("--audio-revision", help="Of that repository.")]
Download = Annotated[bool, typer.Option("--download", help="Fetch models that are not in the local cache.")]
Crop = Annotated[str, typer.Option("--crop", help="face, or frame: what the features were made with.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1; auto: a GPU where there is one.")]


def train(
    store: StoreFolder,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; an unfinished run in it goes on.")],
    model: Preset = "tiny",
    recipe: Annotated[str, typer.Option("--recipe", help="Training preset: paper or fast.")] = "fast",
    view: Annotated[
        str, typer.Option("--view", help="captions (coarse) or captions_plus (fine: what passed the filters).")
    ] = "captions_plus",
    csv: Annotated[
        list[Path] | None, typer.Option("--csv", help="AffectGPT's annotation files, instead of the store's captions.")
    ] = None,
    clips: Annotated[str | None, typer.Option("--clips", help="SOURCE that the files of --csv speak of.")] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="description or labels; default: both, by turns.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Of the optimiser, in the whole run.")] = None,
    until: Annotated[int | None, typer.Option("--until", min=1, help="Stop after this step, to go on later.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0)] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A field of the training preset; see docs/training.md."),
    ] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="Run whose weights this one begins with, or published weights.")
    ] = None,
    language_model: Annotated[
        str | None, typer.Option("--language-model", help="Folder or repository; default: the preset's.")
    ] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Of that repository.")] = None,
    face: FaceKind = None,
    face_model: FaceModel = None,
    face_revision: FaceRevision = None,
    crop: Crop = "face",
    audio: AudioKind = None,
    audio_model: AudioModel = None,
    audio_revision: AudioRevision = None,
    prompt: Annotated[str, typer.Option("--prompt", help="train/v1.en or train/v1.zh.")] = "train/v1.en",
    tokens_max: Annotated[int, typer.Option("--tokens-max", min=16, help="Longest example that is taken.")] = 1_024,
    benchmark_labels: Annotated[
        Path | None, typer.Option("--benchmark-labels", help="Folder of gold labels, to look for leaks by name.")
    ] = None,
    benchmark_clips: Annotated[
        list[str] | None, typer.Option("--benchmark-clips", help="SOURCE of test clips: leaks by name and content.")
    ] = None,
    drop_leaked: Annotated[bool, typer.Option("--drop-leaked", help="Leave out what leaks, and train.")] = False,
    device: Device = "auto",
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Train an AffectGPT model on the captions of a store, whose clips have features."""
    from app.training_progress import show_training, watching_steps
    from flows.training import train_model, training_options
    from flows.training_options import TrainRequest

    request = _checked(
        TrainRequest,
        store=str(store),
        out=str(out),
        preset=model,
        recipe=recipe,
        view=view,
        csv=tuple(map(str, csv or ())),
        clips=clips,
        **({"targets": tuple(target)} if target else {}),
        face=_encoder(model, "face", face, face_model, face_revision, crop),
        audio=_encoder(model, "audio", audio, audio_model, audio_revision),
        language_model=language_model,
        revision=revision,
        download=download,
        prompt=prompt,
        start=None if start is None else str(start),
        tokens_max=tokens_max,
        training=_fields(change or [], steps=steps, seed=seed, device=device),
        until=until,
        benchmark_labels=None if benchmark_labels is None else str(benchmark_labels),
        benchmark_clips=tuple(benchmark_clips or ()),
        drop_leaked=drop_leaked,
    )
    with _stoppable() as stop, watching_steps(training_options(request).steps) as watch:
        report = train_model(request, watch, stop)
    if os.environ.get("RANK", "0") == "0":  # torchrun starts several of us
        show_training(report, as_json)
    raise typer.Exit(report.exit_code)


def infer(
    run: Annotated[Path, typer.Option("--model", metavar="RUN", help="Folder of a training run.")],
    clip: Annotated[
        Path | None, typer.Argument(metavar="[CLIP]", help="One media file; without it, every clip of --store.")
    ] = None,
    store: Annotated[Path | None, typer.Option("--store", help="Store whose clips are asked about.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="JSONL of answers; those in it are kept.")] = None,
    words: Annotated[str, typer.Option("--words", help="What is said in CLIP.")] = "",
    question: Annotated[str, typer.Option("--question", help="labels or description.")] = "labels",
    step: Annotated[int | None, typer.Option("--step", min=1, help="Which checkpoint; default: the newest.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="Clips at a time.")] = None,
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", min=1, max=4_096)] = 256,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Sample, as the published protocol does; default: greedy.")
    ] = None,
    face_model: FaceModel = None,
    audio_model: AudioModel = None,
    device: Device = "auto",
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Ask a trained model about every clip of a store, or about one media file."""
    from app.training_progress import watching_clips
    from flows.inference import infer_clip, infer_store
    from flows.training_options import InferRequest

    if (clip is None) == (store is None) or (clip is None) != (out is not None):
        raise UsageError("Give either one media file, or --store with --out.")
    asked: dict[str, Any] = {
        "model": str(run), "target": question, "step": step, "device": device, "batch": batch,
        "max_new_tokens": max_new_tokens, "seed": seed, "download": download,
        "face_model": face_model, "audio_model": audio_model,
    }  # fmt: skip
    if clip is not None:
        answer = infer_clip(_checked(InferRequest, **asked), clip, words)
        typer.echo(json.dumps(answer._asdict(), ensure_ascii=False) if as_json else answer.response)
        return
    request = _checked(InferRequest, **asked, store=str(store), out=str(out))
    with watching_clips() as watch:
        report = infer_store(request, watch)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
        return
    typer.echo(f"{report.out}: {report.clips:,} clips answered, {report.asked:,} of them now, by step {report.step}.")
    for reason, count in report.left_out.items():
        typer.echo(f"  {count:,} clips left out: {reason}")


def _checked(model: Any, /, **values: Any) -> Any:
    """A request, or UsageError naming the option."""
    from pydantic import ValidationError

    try:
        return model(**values)
    except ValidationError as fault:
        error = fault.errors()[0]
        field = str(error["loc"][0]) if error["loc"] else ""
        option = {"preset": "model", "targets": "target", "target": "question", "training": "set"}.get(field, field)
        raise UsageError(f"--{option.replace('_', '-')}: {error['msg']}.") from None


def _encoder(
    preset: str, stream: str, kind: str | None, model: str | None, revision: str | None, crop: str = "face"
) -> EncoderOptions | None:
    """What was chosen for a stream; None: the preset's."""
    from mercap.affectgpt.encoders.options import EncoderOptions
    from mercap.affectgpt.encoders.table import ENCODERS_OF

    if kind is None and model is None and revision is None and crop == "face":
        return None
    own = {str(name): one for name, one in ENCODERS_OF.get(preset, {}).items()}
    chosen: EncoderOptions = _checked(
        EncoderOptions, kind=kind or own.get(stream, ""), model=model, revision=revision or "main", crop=crop
    )
    if chosen.reads != stream:
        raise UsageError(f"--{stream}: {chosen.kind} reads {chosen.reads}.")
    return chosen


def _fields(changes: list[str], **plain: Any) -> dict[str, Any]:
    """FIELD=VALUE as JSON values, or as texts where they are none."""
    found = {name: value for name, value in plain.items() if value is not None}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name:
            raise UsageError(f"--set takes FIELD=VALUE, not {change!r}.")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """The first Ctrl-C or SIGTERM ends the run after its step, with a checkpoint; the second at once."""
    stop = threading.Event()

    def ask(_signal: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        sys.stderr.write("Stopping after this step; press Ctrl-C again to stop at once.\n")

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. The last checkpoint is kept; the same command goes on from there.\n")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
