"""A worker process calls nobody, whoever in it tries."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mercap.workers.pool import Request, WorkerPool
from tests.lab import ROOT

CHILD = (sys.executable, str(Path(__file__).with_name("strange_child.py")))
WITHOUT_KERNEL = """
import platform, socket
platform.machine = lambda: "unknown"
from mercap.workers.network import cut_network
print(cut_network())
for attempt in (lambda: socket.create_connection(("127.0.0.1", 1)), lambda: socket.getaddrinfo("localhost", 80)):
    try:
        attempt()
    except PermissionError as error:
        print(error.strerror)
socket.socketpair()
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1, CHILD) as made:
        yield made


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


@pytest.mark.parametrize("operation", ["call", "call_by_ffmpeg", "call_by_another_program"])
def test_a_worker_reaches_no_server(pool: WorkerPool, server: socket.socket, operation: str) -> None:
    outcome = pool.run(Request(operation, {"port": server.getsockname()[1]}, 20))
    assert outcome.payload is not None, outcome
    assert json.loads(outcome.payload) == {"words": "Permission denied"}
    with pytest.raises(BlockingIOError):
        server.accept()


def test_a_server_is_reached_by_who_is_no_worker(server: socket.socket) -> None:
    """The test above can fail."""
    socket.create_connection(server.getsockname(), timeout=2).close()
    server.accept()[0].close()


def test_a_worker_without_network_is_still_killed_by_the_clock(pool: WorkerPool) -> None:
    started = time.monotonic()
    outcome = pool.run(Request("hang_in_c", {"port": 0}, 0.5))
    assert (outcome.cause, outcome.retryable) == ("timeout", True)
    assert time.monotonic() - started < 10


def test_where_the_kernel_does_not_help_python_refuses() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_KERNEL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["python", *["a worker process has no network"] * 2]


def test_a_worker_looks_for_models_in_the_cache_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with WorkerPool(1, (sys.executable, str(Path(__file__).with_name("fake_child.py")))) as pool:
        payload = pool.run(Request("environment", {}, 20)).payload
    assert payload is not None
    assert json.loads(payload)["HF_HUB_OFFLINE"] == "1"
