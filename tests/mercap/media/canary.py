"""A file and an address that nobody has business with, and who touched them.

Linux only: inotify sees every opening of the file, by any process, however short.
"""

from __future__ import annotations

import ctypes
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

_IN_ACCESS, _IN_OPEN = 0x1, 0x20


class Canary:
    """Watches ``file`` and listens at ``port`` of the loopback address while it is open."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._libc = ctypes.CDLL(None, use_errno=True)

    def __enter__(self) -> Self:
        self._events = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._libc.inotify_add_watch(self._events, bytes(self.file), _IN_ACCESS | _IN_OPEN) > 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.port: int = self._server.getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._events)
        self._server.close()

    def was_opened(self) -> bool:
        """Since the last question."""
        try:
            return bool(os.read(self._events, 4096))
        except BlockingIOError:
            return False

    def was_called(self) -> bool:
        """Did anybody connect? A connection waits for us in the kernel."""
        try:
            self._server.accept()[0].close()
        except BlockingIOError:
            return False
        return True
