"""`features`: one shard of clips through one encoder. Workers sample the next clips while this process encodes.

A part is written when the shard is done, and on the way after every `FLUSH_SECONDS`, so a kill costs a minute at most.
Clips that have features, or a cause that will not mend itself, are left alone.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mercap.affectgpt.encoders.options import FEATURE_MEDIA
from mercap.errors import CAUSES
from mercap.media.derived import derived_folder
from mercap.media.policy import MediaLimits
from mercap.media.sampling import Sample
from mercap.outcome import Outcome
from mercap.workers.operations import Media
from mercap.workers.pool import Request, WorkerPool
from storage.feature_parts import Without
from storage.features import FeatureFolder
from storage.store import Store
from tasks.clips import Clip
from tasks.shard import Interrupted

if TYPE_CHECKING:
    from mercap.affectgpt.encoders.frozen import FrozenEncoder

FLUSH_SECONDS = 60.0
AHEAD = 2  # samples that wait for the encoder: batches, and clips per worker


@dataclass(slots=True)
class Encoding:
    """One encoder at work on one store. Shared by the threads that work on shards."""

    store: Store
    encoder: FrozenEncoder
    folder: FeatureFolder
    pool: WorkerPool
    run_id: str
    limits: MediaLimits = field(default_factory=MediaLimits)
    clip_done: Callable[[], None] = lambda: None  # told of each clip, by whichever thread saw it through
    stop: threading.Event = field(default_factory=threading.Event)
    turn: threading.Lock = field(default_factory=threading.Lock)  # there is one encoder

    def request(self, clip: Clip) -> Request:
        media = Media(
            path=clip.path,
            size=clip.size,
            mtime_ns=clip.mtime_ns,
            folder=derived_folder(self.store.derived, clip.digest, FEATURE_MEDIA),
            policy=FEATURE_MEDIA,
            limits=self.limits,
        )
        arguments = {"media": media.model_dump(mode="json"), "sampling": self.encoder.sampling.model_dump(mode="json")}
        return Request("sample", arguments, self.limits.work_seconds)


class FeatureSummary(NamedTuple):
    """What a shard came to, small enough to travel."""

    number: int
    encoded: int
    without: int


def encode_shard(encoding: Encoding, number: int, clips: list[Clip]) -> FeatureSummary:
    """Encode what is missing and write it. Raises Interrupted between batches once ``encoding.stop`` is set."""
    encoding.folder.refresh()
    todo = [clip for clip in clips if not encoding.folder.is_done(clip.digest)]
    part = _Part(encoding, number)
    try:
        for clip, outcome in _sampled(encoding, todo):
            part.add(clip.digest, outcome)
            if encoding.stop.is_set():
                raise Interrupted
        part.encode()
    finally:
        part.flush()
    return FeatureSummary(number, part.encoded, part.failed)


def _sampled(encoding: Encoding, clips: list[Clip]) -> Iterator[tuple[Clip, Outcome]]:
    """The clips in their order, each with what a worker made of it; a bounded number of them ahead."""
    ahead = AHEAD * (encoding.pool.size + encoding.encoder.batch)
    waiting: deque[tuple[Clip, Future[Outcome]]] = deque()
    rest = iter(clips)
    with ThreadPoolExecutor(encoding.pool.size, thread_name_prefix="mercap-sample") as threads:
        try:
            while True:
                for clip in itertools.islice(rest, ahead - len(waiting)):
                    waiting.append((clip, threads.submit(encoding.pool.run, encoding.request(clip))))
                if not waiting:
                    return
                clip, future = waiting.popleft()
                yield clip, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


class _Part:
    """Collects features and writes them in parts."""

    def __init__(self, encoding: Encoding, number: int) -> None:
        self.encoded = self.failed = 0
        self._encoding = encoding
        self._number = number
        self._samples: dict[str, Sample] = {}  # that wait until a batch of them is full
        self._features: dict[str, NDArray[np.float16]] = {}
        self._without: dict[str, Without] = {}
        self._flushed = time.monotonic()

    def add(self, clip: str, outcome: Outcome) -> None:
        """What a worker made of one clip: a sample to encode, or why there is none."""
        sample = self._sample(outcome)
        if isinstance(sample, Without):
            self._lack(clip, sample)
        else:
            self._samples[clip] = sample
        if len(self._samples) == self._encoding.encoder.batch:
            self.encode()
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def encode(self) -> None:
        """Encode what waits."""
        if not self._samples:
            return
        with self._encoding.turn:
            found = self._encoding.encoder.encode([*self._samples.values()])
        for clip, features in zip(self._samples, found, strict=True):
            self._keep(clip, features)
        self._samples = {}

    def _sample(self, outcome: Outcome) -> Sample | Without:
        """A worker had a stranger's file in its hands: what it says is a sample only if it fits the request."""
        if outcome.status != "ok":
            assert outcome.cause is not None
            message = outcome.message or CAUSES[outcome.cause]
            return Without(outcome.cause, message, outcome.status == "absent", outcome.retryable)
        try:
            sample = Sample.model_validate_json(outcome.payload or "")
        except ValidationError:
            sample = None
        if sample is None or not sample.fits(self._encoding.encoder.sampling):
            return Without("unreadable_reply", "the worker's answer is no sample of the clip", False, False)
        return sample

    def _keep(self, clip: str, features: NDArray[np.float16]) -> None:
        if np.isfinite(features).all():
            self._features[clip] = features
            self._encoding.clip_done()
            return
        dtype = self._encoding.encoder.options.dtype  # another one may hold them, so another run may try
        message = f"the encoder, in {dtype}, gave numbers that are not finite or that fp16 cannot hold"
        self._lack(clip, Without("backend", message, False, True))

    def _lack(self, clip: str, why: Without) -> None:
        before = self._encoding.folder.without(clip)
        self._without[clip] = why._replace(attempts=1 + (before.attempts if before else 0))
        self._encoding.clip_done()

    def flush(self) -> None:
        if self._features or self._without:
            made_with = self._encoding.encoder.made_with
            self._encoding.folder.write(self._encoding.run_id, self._number, self._features, self._without, made_with)
            self.encoded += len(self._features)
            self.failed += len(self._without)
            self._features, self._without = {}, {}
        self._flushed = time.monotonic()
