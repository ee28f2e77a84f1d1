"""A pool of persistent worker processes in which one bad clip costs one clip.

A request that outlives its wall-clock limit has its process killed (cause ``timeout``); one whose process dies is tried
once more in a fresh process, then given up (cause ``signal``). Children get a nearly empty environment and no network:
no keys reach a process that decodes strangers' media. Starting a worker takes a second or two, so they are kept,
except one that says it has grown too large.
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
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple, Self

from mercap.errors import CAUSES, UsageError
from mercap.media.derived import discard_remains
from mercap.outcome import REPLIED, Outcome

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
)
_SET = {
    "PYTHONPATH": str(_ROOT),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",  # a worker has no network: models come from the cache, not after a wait for the hub
}
COMMAND = (sys.executable, "-m", "mercap.workers.child")
_START_S = 120.0
_REPLY_MAX = 8 * 2**20
_TRIES = 2


class Request(NamedTuple):
    """``arguments`` are JSON values; ``seconds`` is the wall-clock limit."""

    operation: str
    arguments: dict[str, Any]
    seconds: float


class PoolClosed(Exception):
    """The pool was closed while the request was under way: nothing is known about the clip."""


class _WorkerDied(Exception):
    pass


class _WorkerLate(Exception):
    pass


class Worker:
    """One process and the two pipes to it. Not thread-safe: a worker serves one request at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | _SET,
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        self.leaving = False  # it has announced that it ends
        self._buffer = b""
        try:
            self._receive(_START_S)
        except (_WorkerDied, _WorkerLate):
            self.close()
            raise RuntimeError("a worker process could not be started; try: python -m mercap.workers.child") from None

    def ask(self, request: Request) -> Any:
        """The reply, any JSON value. After a ValueError, _WorkerDied or _WorkerLate the worker is of no more use."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request._asdict()).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise _WorkerDied from None
        reply = json.loads(self._receive(request.seconds))
        self.leaving = isinstance(reply, dict) and reply.pop("leaving", False) is True
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

    def kill(self) -> None:
        """End the process; whoever waits for its reply sees the pipe close."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process and give its pipes back."""
        self.kill()
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
        self._alive: set[Worker] = set()
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="mercap-worker")
        self._closed = threading.Event()

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
                worker = worker or self._start()
                try:
                    outcome = _outcome(worker.ask(request))
                except _WorkerLate:
                    self._end(worker, request)
                    worker = None
                    message = f"{request.operation} did not end within {request.seconds:g} s"
                    return Outcome("quarantined", None, "timeout", message, retryable=True, seconds=request.seconds)
                except (_WorkerDied, ValueError):
                    self._end(worker, request)
                    worker = None
                else:
                    if worker.leaving:
                        self._end(worker)
                        worker = None
                    return outcome
            return Outcome("quarantined", None, "signal", CAUSES["signal"])
        finally:
            self._idle.put(worker)

    def _start(self) -> Worker:
        if self._closed.is_set():
            raise PoolClosed
        worker = Worker(self._command)
        self._alive.add(worker)
        if self._closed.is_set():  # closed while the process was starting
            self._end(worker)
        return worker

    def _end(self, worker: Worker, request: Request | None = None) -> None:
        self._alive.discard(worker)
        worker.close()
        if request is not None and "media" in request.arguments:
            discard_remains(Path(request.arguments["media"]["folder"]))
        if self._closed.is_set():
            raise PoolClosed

    def close(self) -> None:
        """End every process at once; requests under way raise PoolClosed, those not yet started are dropped."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in list(self._alive):
            worker.kill()  # one that is busy is closed by the thread that waits for it
        with contextlib.suppress(queue.Empty):
            while True:
                idle = self._idle.get_nowait()
                if idle is not None:
                    idle.close()


def _outcome(reply: Any) -> Outcome:
    """What a worker says is checked like any other input. Raises ValueError where it is no outcome."""
    if isinstance(reply, dict) and "error" in reply:
        raise UsageError(str(reply["error"]))
    if not isinstance(reply, dict) or reply.keys() != set(REPLIED):
        raise ValueError("not an outcome")
    outcome = Outcome(**reply)
    if outcome.status not in ("ok", "absent", "quarantined") or (outcome.status != "ok") != (outcome.cause in CAUSES):
        raise ValueError("not an outcome")
    return outcome
