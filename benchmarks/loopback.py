"""A chat endpoint on loopback that answers every request after a fixed time, as cheaply as asyncio allows.

Runs in a process of its own. It parses no more of a request than its method, its length and whether the connection is
to be closed, and sends the same completion to all: what it costs is measured by `benchmarks.dispatch` with a bare
client. A GET, which some clients send to see whether anybody is there, gets an empty list of models at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

_BODY = json.dumps(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "loopback",
        "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": None,
            "message": {"role": "assistant", "content": "The person seems calm and content.", "refusal": None},
        }],
        "usage": {"prompt_tokens": 400, "completion_tokens": 8, "total_tokens": 408},
    }
).encode()  # fmt: skip
_NOTHING = b'{"object": "list", "data": []}'
_ANSWER, _MODELS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    for body in (_BODY, _NOTHING)
)

PROBE_BYTES = 600  # what is shorter asks whether anybody is there, and is no question
Times = ctypes.Array[ctypes.c_double]  # first question, last answer


class Loopback(NamedTuple):
    """A running endpoint."""

    url: str
    times: Times

    @property
    def busy_s(self) -> float:
        """From the first question to the last answer."""
        return self.times[1] - self.times[0]


class _Chat(asyncio.Protocol):
    def __init__(self, latency_s: float, times: Times) -> None:
        self._latency_s = latency_s
        self._times = times
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            if head.startswith(b"get "):
                self._received = self._received[end + 4 :]
                self._transport.write(_MODELS)
                continue
            at = head.index(b"content-length:") + len(b"content-length:")
            whole = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            if whole > PROBE_BYTES:
                self._times[0] = self._times[0] or time.monotonic()
            asyncio.get_running_loop().call_later(self._latency_s, self._answer, b"connection: close" in head)

    def _answer(self, close: bool) -> None:
        self._times[1] = time.monotonic()
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)
            if close:
                self._transport.close()


def _serve(latency_s: float, times: Times, ready: Connection) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Chat(latency_s, times), "127.0.0.1", 0, backlog=1024)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def served(latency_s: float) -> Iterator[Loopback]:
    """An endpoint that lives as long as the block."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    times = context.RawArray("d", 2)
    process = context.Process(target=_serve, args=(latency_s, times, theirs), daemon=True)
    process.start()
    try:
        if not mine.poll(30):
            raise RuntimeError("the loopback endpoint did not start")
        yield Loopback(f"http://127.0.0.1:{mine.recv()}/v1", times)
    finally:
        process.terminate()
        process.join()
