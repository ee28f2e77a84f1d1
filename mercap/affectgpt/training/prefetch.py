"""Batches put together ahead of the loop, in one thread, in order."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
_END = object()
_LOOK_S = 0.2  # how often a thread that has nothing to do looks whether it should end


class Prefetch(Generic[Item]):
    """An iterator over ``source`` that stays up to ``ahead`` items ahead; with 0 there is no thread.

    What comes does not depend on ``ahead``. ``waited_s`` sums up how long its reader waited. An exception in ``source``
    is raised where its item would have come. `close` ends the thread.
    """

    def __init__(self, source: Iterator[Item], ahead: int) -> None:
        self.waited_s = 0.0
        self._source = source
        self._thread: threading.Thread | None = None
        if ahead:
            self._ready: queue.Queue[object] = queue.Queue(ahead)
            self._closed = threading.Event()
            self._fault: BaseException | None = None
            self._thread = threading.Thread(target=self._fill, name="prefetch", daemon=True)
            self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        began = time.perf_counter()
        try:
            return next(self._source) if self._thread is None else self._take()
        finally:
            self.waited_s += time.perf_counter() - began

    def close(self) -> None:
        if self._thread is not None:
            self._closed.set()
            self._thread.join()

    def _take(self) -> Item:
        item = self._ready.get()
        if item is _END:
            self._ready.put(_END)  # whoever asks again hears it again
            if self._fault is not None:
                raise self._fault
            raise StopIteration
        return item  # type: ignore[return-value]

    def _fill(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as fault:
            self._fault = fault
        self._put(_END)

    def _put(self, item: object) -> bool:
        """False when nobody wants it any more."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(item, timeout=_LOOK_S)
                return True
        return False
