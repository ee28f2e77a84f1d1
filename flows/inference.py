"""Asking a trained model: about the clips of a store, or about one media file. Knows no Prefect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.training_options import InferRequest
from mercap.affectgpt.encoders.table import Stream
from mercap.errors import UsageError
from storage.feature_choice import made_by
from storage.store import Store
from tasks.infer import Asking, Progress, answer_clip, answer_store, load
from tasks.train import check_extra

if TYPE_CHECKING:
    from mercap.affectgpt.inference import Answer
    from mercap.affectgpt.record import Trained


@dataclass(frozen=True, slots=True)
class InferReport:
    """``clips`` have an answer in ``out``, ``asked`` of them by this call; ``left_out`` by reason."""

    out: str
    step: int
    clips: int
    asked: int
    left_out: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def infer_store(request: InferRequest, watch: Callable[[Progress], None]) -> InferReport:
    """Raises MercapError. Whatever ends it, the answers made until then are kept, and are not asked for again."""
    check_extra()
    if request.store is None or request.out is None:
        raise UsageError("store and out must be given.")
    store = Store.open(Path(request.store).expanduser())
    trained = _load(request)
    out = Path(request.out).expanduser()
    first: Progress | None = None
    for progress in answer_store(trained, store, out, _asking(request)):
        first = first or progress
        watch(progress)
    assert first is not None
    return InferReport(str(out), trained.checkpoint.step, progress.clips, progress.clips - first.clips, first.left_out)


def infer_clip(request: InferRequest, clip: Path, words: str) -> Answer:
    """Raises MercapError."""
    trained = _load(request)
    given: dict[Stream, str | None] = {"face": request.face_model, "audio": request.audio_model}
    chosen = {
        stream: made_by(trained.record.encoders[stream]).model_copy(update={"model": model, "revision": "main"})
        for stream, model in given.items()
        if model is not None and stream in trained.record.encoders
    }
    return answer_clip(trained, clip, words, chosen, _asking(request))


def _load(request: InferRequest) -> Trained:
    run = Path(request.model).expanduser()
    return load(run, step=request.step, device=request.device, download=request.download)


def _asking(request: InferRequest) -> Asking:
    return Asking(request.target, request.batch, request.max_new_tokens, request.seed)
