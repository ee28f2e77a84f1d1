"""One training run, whoever started it: the request is read, checked, prepared and carried out. Knows no Prefect."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.training_options import TrainRequest
from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.affectgpt.encoders.table import Stream
from mercap.affectgpt.training.options import TRAINING, TrainingOptions
from mercap.errors import ExitCode, UsageError
from storage.store import Store
from tasks.examples import ExampleSet, benchmark_sets, from_csv, from_store
from tasks.train import ModelChoice, check_extra, find_features, prepare, run, without_leaks

if TYPE_CHECKING:
    from mercap.affectgpt.training.events import Event

NOT_CHECKED = "Not compared with any test set: give --benchmark-labels or --benchmark-clips before a score is claimed."

Watch = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a run came to. ``loss`` is the last step's; ``leaks`` were left out."""

    run: str
    exit_code: ExitCode
    step: int
    steps: int
    loss: float | None
    examples: int
    left_out: dict[str, int]
    leaks: int
    origin: str
    seconds: float
    caveats: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"exit_code": int(self.exit_code), "caveats": list(self.caveats)}


def train_model(request: TrainRequest, watch: Watch, stop: threading.Event | None = None) -> TrainReport:
    """Raises MercapError for whatever a person must mend. ``stop`` ends the run after a step, to be gone on with."""
    check_extra()
    began = time.monotonic()
    options = training_options(request)
    store = Store.open(Path(request.store).expanduser())
    found = _examples(request, store)
    labels = Path(request.benchmark_labels).expanduser() if request.benchmark_labels else None
    benchmarks = benchmark_sets(labels, request.benchmark_clips, store)
    found, leaks = without_leaks(found, benchmarks, drop=request.drop_leaked)
    given: dict[Stream, EncoderOptions | None] = {"face": request.face, "audio": request.audio}
    features = find_features(store, request.preset, {stream: one for stream, one in given.items() if one is not None})
    folder = Path(request.out).expanduser()
    start = Path(request.start).expanduser() if request.start else None
    choice = ModelChoice(request.preset, request.language_model, request.revision, request.download, request.prompt)
    prepared = prepare(folder, choice, found, features, options, request.targets, request.tokens_max, start)
    loss, step = None, 0
    for event in run(prepared, until=request.until, stop=stop):
        watch(event)
        step, loss = event.step, loss if event.loss is None else event.loss
    return TrainReport(
        run=str(folder),
        exit_code=ExitCode.DONE if step >= min(options.steps, request.until or options.steps) else ExitCode.INTERRUPTED,
        step=step,
        steps=options.steps,
        loss=loss,
        examples=prepared.about["examples"],
        left_out=prepared.about["left_out"],
        leaks=len(leaks),
        origin=prepared.about["origin"],
        seconds=round(time.monotonic() - began, 3),
        caveats=() if benchmarks else (NOT_CHECKED,),
    )


def training_options(request: TrainRequest) -> TrainingOptions:
    """Raises UsageError naming the field."""
    return TRAINING[request.recipe](**request.training)


def _examples(request: TrainRequest, store: Store) -> ExampleSet:
    if not request.csv:
        if request.clips:
            raise UsageError("--clips says which clips the files of --csv speak of: give --csv too.")
        return from_store(store, request.view)
    if not request.clips:
        raise UsageError("--csv needs --clips: the folder or manifest of the clips that it names.")
    return from_csv([Path(one).expanduser() for one in request.csv], request.clips, store)
