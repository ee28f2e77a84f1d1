"""The loopback endpoint serves clients of every habit, and figures are what they are called."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest

from benchmarks.dispatch import _figures, dispatched, measure
from benchmarks.dispatch_peers import Took
from benchmarks.loopback import PROBE_BYTES, served

LATENCY_S = 0.05


def _send(url: str, request: bytes) -> bytes:
    """Everything that comes until the endpoint closes the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


def _question(length: int) -> bytes:
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length
        + b" " * length
    )


def test_a_client_that_closes_after_each_answer_gets_one_and_is_closed() -> None:
    with served(LATENCY_S) as endpoint:
        started = time.monotonic()
        answer = _send(endpoint.url, _question(1000))
        assert time.monotonic() - started >= LATENCY_S
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"content": "The person seems calm and content."' in answer


def test_a_probe_is_answered_and_does_not_start_the_clock() -> None:
    with served(LATENCY_S) as endpoint:
        assert _send(endpoint.url, b"GET /v1/models HTTP/1.1\r\n\r\n" + _question(10)).count(b"200 OK") == 2
        time.sleep(0.5)
        _send(endpoint.url, _question(PROBE_BYTES))
        assert LATENCY_S <= endpoint.busy_s < 0.5


def test_the_clock_runs_from_the_first_question_to_the_last_answer() -> None:
    took = measure(dispatched, LATENCY_S, 4, 20)
    assert 20 * LATENCY_S / 4 <= took.busy_s <= took.wall_s


def test_shares_are_of_ideal_throughput() -> None:
    figures = _figures(Took(wall_s=4.0, busy_s=2.5, cpu_s=1.0), latency_s=0.05, concurrency=8, requests=200)
    assert figures == pytest.approx({"share": 0.3125, "busy_share": 0.5, "cpu_s_per_1000": 5.0})
