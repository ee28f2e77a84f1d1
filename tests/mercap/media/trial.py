"""Put files through real worker processes, as a run does, and watch what that costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self

from mercap.media.derived import derived_folder
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.outcome import Outcome
from mercap.workers.guard import KEPT_MB
from mercap.workers.operations import Media
from mercap.workers.pool import Request, WorkerPool

POLICY = MediaPolicy()
TYPED = {"decode", "format", "limits", "memory", "no_streams", "signal", "timeout"}
PROCESS_MB = 120  # of a worker that has decoded nothing yet, and a reserve
GRACE_S = 5.0  # to start another worker when one has died


class Trial(NamedTuple):
    """Of every file the outcome and the seconds until it was there; the most memory any worker ever held."""

    outcomes: list[Outcome]
    seconds: list[float]
    peak_mb: float

    def check(self, limits: MediaLimits, folder: Path) -> None:
        """What must be true of any file whatever."""
        for outcome, seconds in zip(self.outcomes, self.seconds, strict=True):
            assert outcome.status == "ok" or (outcome.status == "quarantined" and outcome.cause in TYPED), outcome
            tries = 2 if outcome.cause == "signal" else 1
            assert seconds <= tries * limits.decode_seconds + GRACE_S, outcome
            assert str(folder) not in (outcome.message or ""), "a message names a path of this machine"
        assert self.peak_mb <= limits.memory_mb + KEPT_MB + PROCESS_MB
        assert list((folder / "derived").rglob(".*")) == [], "a temporary folder was left behind"


def media_of(path: Path, folder: Path, limits: MediaLimits) -> Media:
    found = path.stat()
    derived = derived_folder(folder / "derived", path.name.encode().hex().zfill(64), POLICY)
    return Media(
        path=path, size=found.st_size, mtime_ns=found.st_mtime_ns, folder=derived, policy=POLICY, limits=limits
    )


def ingest_all(paths: Sequence[Path], folder: Path, limits: MediaLimits) -> Trial:
    """Decode ``paths`` below ``folder``, two at a time."""

    def ingest(path: Path) -> tuple[Outcome, float]:
        started = time.monotonic()
        media = media_of(path, folder, limits).model_dump(mode="json")
        outcome = pool.run(Request("ingest", {"media": media}, limits.decode_seconds))
        return outcome, time.monotonic() - started

    with WorkerPool(2) as pool, Watch(pool) as watch, ThreadPoolExecutor(2) as threads:
        found = list(threads.map(ingest, paths))
        watch.look()
    outcomes, seconds = zip(*found, strict=True)
    return Trial(list(outcomes), list(seconds), watch.peak_mb)


class Watch(threading.Thread):
    """Looks at the kernel's own record of a process's peak, often enough for those that are killed."""

    def __init__(self, pool: WorkerPool) -> None:
        super().__init__(daemon=True)
        self.pool, self.peak_mb = pool, 0.0
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.02):
            self.look()

    def look(self) -> None:
        for worker in list(self.pool._alive):
            try:
                status = Path(f"/proc/{worker.process.pid}/status").read_text()
            except OSError:
                continue
            peaks = [line for line in status.splitlines() if line.startswith("VmHWM:")]  # none in a dead process
            if peaks:
                self.peak_mb = max(self.peak_mb, int(peaks[0].split()[1]) / 1024)
