"""What models are shown or played, clip by clip, made by the workers a little ahead of whoever asks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import ValidationError

from mercap.errors import CellFailure
from mercap.media.excerpt import Excerpt
from mercap.outcome import Outcome
from mercap.roles import Asked, ChatVoter, Pictures, VllmVoter
from mercap.workers.operations import check_unchanged
from mercap.workers.pool import Request
from tasks.context import Context
from tasks.spec import CellSpec

AHEAD = 32  # excerpts that wait to be asked about: some 10 MB
VIDEO_MAX_MB = 64  # of a clip that is handed over whole


class Material(NamedTuple):
    """``failed`` is what became of a cell whose material could not be made."""

    spec: CellSpec
    excerpt: Excerpt | None = None
    failed: Outcome | None = None


def materials(context: Context, specs: list[CellSpec], options: Asked) -> Iterator[Material | None]:
    """One for each cell, in whatever order they are ready; ``None`` where the next one is not ready yet."""
    operation = _operation(options)
    if operation is None:
        yield from map(Material, specs)
        return
    ready: queue.Queue[Material | BaseException | None] = queue.Queue(AHEAD)
    over = threading.Event()
    thread = threading.Thread(target=_fill, args=(context, specs, operation, ready, over), daemon=True)
    thread.start()
    try:
        while True:
            try:
                one = ready.get_nowait()
            except queue.Empty:
                yield None
                continue
            if one is None:
                return
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        over.set()
        with suppress(queue.Empty):
            while True:
                ready.get_nowait()
        thread.join()


Operation = Callable[[Context, CellSpec], Request]


def _operation(options: Asked) -> Operation | None:
    """What a worker is to make for this model; ``None`` where it reads text, or the file itself."""
    reads = options.reads if isinstance(options, (ChatVoter, VllmVoter)) else _READS[options.material]
    pictures: Pictures | None = getattr(options, "pictures", None)
    if reads == "words" or (reads == "face" and pictures is not None and pictures.send == "video"):
        return None
    if reads == "voice":
        return lambda context, spec: _request(context, spec, "play", {})
    assert pictures is not None
    return lambda context, spec: _request(context, spec, "show", {"pictures": pictures.model_dump(mode="json")})


_READS = {"text": "words", "audio": "voice", "frames": "face"}


def _request(context: Context, spec: CellSpec, operation: str, arguments: dict[str, Any]) -> Request:
    media = context.media(spec.clip).model_dump(mode="json")
    return Request(operation, {"media": media, **arguments}, context.recipe.limits.work_seconds)


def _fill(
    context: Context,
    specs: list[CellSpec],
    operation: Operation,
    ready: queue.Queue[Material | BaseException | None],
    over: threading.Event,
) -> None:
    def put(one: Material | BaseException | None) -> None:
        while not over.is_set():
            with suppress(queue.Full):
                ready.put(one, timeout=0.1)
                return

    try:
        for start in range(0, len(specs), AHEAD):
            batch = specs[start : start + AHEAD]
            for place, outcome in context.pool.map([operation(context, spec) for spec in batch]):
                put(_material(batch[place], outcome))
                if over.is_set():
                    return
        put(None)
    except BaseException as error:  # the thread that asks is to raise it
        put(error)


def _material(spec: CellSpec, outcome: Outcome) -> Material:
    if outcome.status != "ok":
        return Material(spec, failed=outcome)
    try:
        return Material(spec, Excerpt.model_validate_json(outcome.payload or ""))
    except ValidationError as error:
        message = "the worker's answer is no excerpt of the clip"
        return Material(spec, failed=Outcome("quarantined", None, "unreadable_reply", message, raw=str(error)[:2000]))


def check_file(context: Context, spec: CellSpec) -> None:
    """Refuse to hand over a file that is not the one that was hashed, or too large. Raises CellFailure."""
    media = context.media(spec.clip)
    check_unchanged(media)
    if media.size > VIDEO_MAX_MB << 20:
        raise CellFailure("limits", f"{media.path.name} is over {VIDEO_MAX_MB} MB, too large to hand over whole")
