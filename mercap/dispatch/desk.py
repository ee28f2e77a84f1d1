"""What the shards of one run share when they ask endpoints: the journal, and one shard at a time per endpoint.

A shard keeps an endpoint busy by itself. Two at once would take twice what the endpoint was said to take.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mercap.dispatch.dispatcher import Call, Dispatcher, Endpoint, Reply
from mercap.dispatch.journal import Journal


class Desk:
    """Nothing is opened before something is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal: Journal | None = None
        self._opening = threading.Lock()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def ask(
        self, endpoint: Endpoint, calls: Iterable[Call | None], admits: Callable[[Call], bool] = lambda _: True
    ) -> Iterator[Reply]:
        """As `Dispatcher.ask_all`, once it is this caller's turn."""
        with self._opening:
            turn = self._turns[endpoint.url]
            if self._journal is None:
                self._journal = Journal(self._folder)
        with turn:
            yield from Dispatcher(endpoint, self._journal, admits).ask_all(calls)
