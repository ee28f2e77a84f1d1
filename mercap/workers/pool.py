"""A pool of persistent worker processes in which one bad clip costs one clip.

A request that outlives its wall-clock limit has its process killed (cause ``timeout``); one whose process dies is tried
once more in a fresh process, then given up (cause ``signal``). Children get a nearly empty environment: no keys reach a
process that decodes strangers' media. Starting a worker takes a second or two, so they are kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple, Self

from mercap.errors import CAUSES, UsageError
from mercap.outcome import Outcome

_ROOT = Path(__file__).resolve().parent.parent.parent
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
)
COMMAND = (sys.executable, "-m", "mercap.workers.child")
_START_S = 120.0
_REPLY_MAX = 8 * 2**20
_TRIES = 2


class Request(NamedTuple):
    """``arguments`` are JSON values; ``seconds`` is the wall-clock limit."""

    operation: str
    arguments: dict[str, Any]
    seconds: float


class _WorkerDied(Exception):
    pass


class _WorkerLate(Exception):
    pass


class Worker:
    """One process and the two pipes to it. Not thread-safe: a worker serves one request at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        self._buffer = b""
        try:
            self._receive(_START_S)
        except (_WorkerDied, _WorkerLate):
            self.close()
            raise RuntimeError("a worker process could not be started; try: python -m mercap.workers.child") from None

    def ask(self, request: Request) -> dict[str, Any]:
        """The reply. Raises _WorkerDied or _WorkerLate; the worker is of no use after either."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request._asdict()).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise _WorkerDied from None
        reply: dict[str, Any] = json.loads(self._receive(request.seconds))
        return reply

    def _receive(self, seconds: float) -> bytes:
        assert self.process.stdout is not None
        handle = self.process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _WorkerLate
            chunk = os.read(handle, 1 << 16)
            if not chunk or len(self._buffer) > _REPLY_MAX:
                raise _WorkerDied
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()


class WorkerPool:
    """``size`` workers, started when first needed, shared by any number of threads."""

    def __init__(self, size: int, command: Sequence[str] = COMMAND) -> None:
        self.size = size
        self._command = command
        self._idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="mercap-worker")
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(self, requests: Sequence[Request]) -> Iterator[tuple[int, Outcome]]:
        """(position, outcome) for each request, as they are done. Abandoned requests are not started."""
        futures: dict[Future[Outcome], int] = {self._threads.submit(self.run, one): n for n, one in enumerate(requests)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()

    def run(self, request: Request) -> Outcome:
        """One request, by one worker. Raises UsageError for what a person must mend, e.g. a model that is not there."""
        worker = self._idle.get()
        try:
            for _ in range(_TRIES):
                worker = worker or Worker(self._command)
                try:
                    return _outcome(worker.ask(request))
                except _WorkerLate:
                    worker.close()
                    worker = None
                    message = f"{request.operation} did not end within {request.seconds:g} s"
                    return Outcome("quarantined", None, "timeout", message, retryable=True, seconds=request.seconds)
                except (_WorkerDied, ValueError):
                    worker.close()
                    worker = None
            return Outcome("quarantined", None, "signal", CAUSES["signal"])
        finally:
            if self._closed and worker is not None:
                worker.close()
                worker = None
            self._idle.put(worker)

    def close(self) -> None:
        """End every process; requests not yet started are dropped."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                if worker is not None:
                    worker.close()


def _outcome(reply: dict[str, Any]) -> Outcome:
    if "error" in reply:
        raise UsageError(str(reply["error"]))
    return Outcome(**reply)
