"""Encode the clips of SOURCE into a store: features of face and voice, an encoder after the other.

The store decides what is done, so the same command goes on where it stopped. This file knows no Prefect; the flow
is flows/features_prefect.py.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from flows.observer import Observer
from mercap.affectgpt.encoders import load_encoder
from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.errors import ExitCode, UsageError
from mercap.sources.read import read_sources
from mercap.sources.rows import SourceList
from mercap.workers.pool import WorkerPool
from storage.digests import DigestCache
from storage.features import FeatureFolder
from storage.runs import new_run_id
from storage.schema import Status
from storage.store import Store
from tasks.clips import Catalogue, Clip, catalogue
from tasks.features import Encoding, FeatureSummary, encode_shard

WINDOW = 2  # shards under way at once: while one waits for its last clips, the encoder has the other's


class FeatureOptions(BaseModel):
    """Parameters of `features`. Only ``encoders`` say what is computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="folder, glob or manifest")
    store: str = Field(description="folder of the store; made if it is new")
    encoders: tuple[EncoderOptions, ...] = Field(min_length=1)
    limit: int | None = Field(default=None, ge=1, description="take only the first N names")
    shard_size: int = Field(default=200, ge=1, le=10_000, description="clips per shard")
    max_quarantine: float = Field(default=0.05, ge=0, le=1, description="share of clips that may fail (exit code 3)")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="worker processes")


@dataclass(slots=True)
class StreamReport:
    """What came of one encoder. ``clips`` = ``encoded`` + ``already`` + clips without features, by cause."""

    stream: str
    encoder: str
    folder: str
    steps: int
    dim: int
    clips: int
    encoded: int = 0
    already: int = 0
    absent: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FeatureReport:
    """What a finished run came to; ``quarantined`` are names that no clip could be made of."""

    run_id: str
    exit_code: ExitCode
    names: int
    clips: int
    quarantined: int
    streams: tuple[StreamReport, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"exit_code": int(self.exit_code), "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class FeatureRun:
    """A run that has begun."""

    options: FeatureOptions
    run_id: str
    store: Store
    catalogue: Catalogue
    encodings: list[Encoding]
    started: float

    def shards(self, encoding: Encoding) -> list[list[Clip]]:
        """Clips that this encoder has still to see."""
        todo = [clip for clip in self.catalogue.clips if not encoding.folder.is_done(clip.digest)]
        size = self.options.shard_size
        return [todo[start : start + size] for start in range(0, len(todo), size)]


Runner = Callable[[FeatureRun, Encoding, list[list[Clip]]], Iterable[FeatureSummary]]


def encode_features(options: FeatureOptions, observer: Observer) -> FeatureReport:
    """Raises MercapError for what a person must mend, KeyboardInterrupt when interrupted."""
    with begin(options, observer) as run:
        return encode_streams(run, run_in_threads, observer)


@contextmanager
def begin(options: FeatureOptions, observer: Observer) -> Iterator[FeatureRun]:
    """Load the encoders, read and hash SOURCE. Raises MercapError before the store is touched."""
    listed = _check(options)
    encoders = [load_encoder(one) for one in options.encoders]
    store = Store.create(Path(options.store).expanduser())
    digests = DigestCache(store.root / "digests.parquet")
    found = catalogue(listed, digests, lambda done: observer.scanned(done, len(listed.rows)))
    digests.save()
    run_id = new_run_id()
    with WorkerPool(options.workers) as pool:
        folders = [FeatureFolder.create(store.root, encoder.identity) for encoder in encoders]
        encodings = [
            Encoding(store, encoder, folder, pool, run_id) for encoder, folder in zip(encoders, folders, strict=True)
        ]
        try:
            yield FeatureRun(options, run_id, store, found, encodings, time.monotonic())
        except BaseException:
            for encoding in encodings:
                encoding.stop.set()
            raise


def _check(options: FeatureOptions) -> SourceList:
    streams = [one.reads for one in options.encoders]
    if len(set(streams)) < len(streams):
        raise UsageError(f"Two encoders of the {streams[0]} were named; encode them one after the other.")
    listed = read_sources(options.source)
    store = Path(options.store).expanduser()
    if (store / "store.json").exists():
        Store.open(store)
    return listed.head(options.limit)


def encode_streams(run: FeatureRun, runner: Runner, observer: Observer) -> FeatureReport:
    """Every encoder in turn; its shards wherever the runner puts them."""
    reports = []
    for encoding in run.encodings:
        started = time.monotonic()
        key = f"features:{encoding.encoder.reads}"
        shards = run.shards(encoding)
        todo = {clip.digest for shard in shards for clip in shard}
        observer.stage_started(key, len(todo))
        encoding.clip_done = lambda key=key: observer.cell_done(key)  # type: ignore[misc]
        for _ in runner(run, encoding, shards):
            pass
        observer.stage_done(key)
        reports.append(_stream_report(run, encoding, todo, time.monotonic() - started))
    return _report(run, reports)


def run_in_threads(_run: FeatureRun, encoding: Encoding, shards: list[list[Clip]]) -> Iterator[FeatureSummary]:
    """The runner without a server: a few shards at once in threads of this process."""
    waiting = deque(enumerate(shards))
    under_way: deque[Future[FeatureSummary]] = deque()
    with ThreadPoolExecutor(max_workers=WINDOW, thread_name_prefix="mercap-shard") as threads:
        try:
            while waiting or under_way:
                while waiting and len(under_way) < WINDOW:
                    under_way.append(threads.submit(encode_shard, encoding, *waiting.popleft()))
                yield under_way.popleft().result()
        except BaseException:
            encoding.stop.set()  # the threads write what they have and end
            encoding.pool.close()
            raise


def _stream_report(run: FeatureRun, encoding: Encoding, todo: set[str], seconds: float) -> StreamReport:
    """Counted from what is on disk now, not from what this process believes it wrote."""
    folder = FeatureFolder(encoding.folder.folder)
    report = StreamReport(
        encoding.encoder.reads, folder.name, str(folder.folder), folder.steps, folder.dim, len(run.catalogue.clips)
    )
    absent: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    for clip in run.catalogue.clips:
        why = folder.without(clip.digest)
        if why is not None:
            (absent if why.absent else quarantined)[why.cause] += 1
        elif clip.digest in todo:
            report.encoded += clip.digest in folder
        else:
            report.already += 1
    report.absent, report.quarantined, report.seconds = dict(absent), dict(quarantined), round(seconds, 3)
    return report


def _report(run: FeatureRun, streams: list[StreamReport]) -> FeatureReport:
    names = len(run.catalogue.sources)
    at_the_door = sum(source.status == Status.QUARANTINED for source in run.catalogue.sources)
    failed = max(sum(stream.quarantined.values()) for stream in streams)
    code = ExitCode.DONE
    if names and (at_the_door + failed) / names > run.options.max_quarantine:
        code = ExitCode.TOO_MANY_QUARANTINED
    if any("internal_error" in stream.quarantined for stream in streams):
        code = ExitCode.BUG
    seconds = time.monotonic() - run.started
    return FeatureReport(run.run_id, code, names, len(run.catalogue.clips), at_the_door, tuple(streams), seconds)
