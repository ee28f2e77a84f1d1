"""An OpenAI-compatible endpoint that misbehaves on request, and counts every call.

It checks each request against the schema of the openai package and answers with a chat completion whose text is a
function of the request. ``script`` says what happens to the n-th attempt at a request; a request is told apart by the
text of its last message, with a digest of what is shown or played beside it. Faults: ``429``, ``429:0.2`` (with
Retry-After), ``500``, ``400``, ``401``, ``404``, ``hang``, ``reset``, ``half`` (half of the body, then the connection
ends), ``bad_json``, ``wrong_schema``, ``no_choice``, ``empty``, ``refusal``, ``boilerplate``, ``length``, ``filter``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import pydantic
from aiohttp import web
from openai.types.chat import completion_create_params

Script = Callable[[str, int], str | None]  # text of the request, number of the attempt from 1 -> fault
REQUEST = pydantic.TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming)


@dataclass
class Endpoint:
    """``with Endpoint(script) as server:`` serves until the block ends, in a thread of its own."""

    script: Script = lambda _text, _attempt: None
    reply: Callable[[str], str] = lambda text: f"answer to {text}"
    latency_s: float = 0.0
    keys: tuple[str, ...] = ()  # accepted keys; none: any
    calls: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    invalid: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)  # of the requests, where ``keep_bodies``
    keep_bodies: bool = False
    checks_schema: bool = True
    epoch: int = 0  # for tests whose replies change
    tokens: dict[str, tuple[int, int]] = field(default_factory=dict)  # in and out, of each request answered
    at_once: int = 0
    most_at_once: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._wait(self._start())}/v1"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _start(self) -> int:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _end(self) -> None:
        """Close, and let nothing that hangs outlive the loop."""
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._play(request)
        finally:
            self.at_once -= 1

    async def _play(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        try:
            if self.checks_schema:
                REQUEST.validate_python(body)
        except pydantic.ValidationError as error:
            self.invalid.append(str(error))
            return _error(400, "the request does not follow the schema")
        if self.keys and request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.keys:
            return _error(401, "wrong key")
        text = text_of(body)
        if self.keep_bodies:
            self.bodies.append(body)
        self.calls[text] += 1
        fault = self.script(text, self.calls[text])
        await asyncio.sleep(self.latency_s)
        if fault is not None:
            return await self._fault(request, text, fault)
        self.answered[text] += 1
        answer = completion(self.reply(text), tokens_in=len(text) // 4)
        self.tokens[text] = (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"])
        return web.json_response(answer)

    async def _fault(self, request: web.Request, text: str, fault: str) -> web.StreamResponse:
        kind, _, detail = fault.partition(":")
        if kind.isdecimal():
            return _error(int(kind), f"scripted {kind}", {"Retry-After": detail} if detail else {})
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind in ("reset", "half"):
            if kind == "half":
                whole = json.dumps(completion("never seen")).encode()
                response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
                await response.prepare(request)
                await response.write(whole[: len(whole) // 2])
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        odd = {
            "bad_json": '{"choices": [',
            "wrong_schema": '{"ok": true}',
            "no_choice": json.dumps({**completion(""), "choices": []}),
        }
        if kind in odd:
            return web.Response(text=odd[kind], content_type="application/json")
        reasons = {
            "boilerplate": ("Please provide the clip.", "stop"),
            "empty": ("", "stop"),
            "length": ("cut off in the", "length"),
            "filter": ("", "content_filter"),
        }
        if kind in reasons:
            return web.json_response(completion(*reasons[kind]))
        assert kind == "refusal", fault
        return web.json_response(completion(None, "stop", refusal="I cannot help with that."))


def completion(
    text: str | None, finish_reason: str = "stop", refusal: str | None = None, tokens_in: int = 10
) -> dict[str, Any]:
    """A chat completion; a token out per word."""
    out = len((text or "").split())
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "scripted",
        "choices": [{
            "index": 0, "finish_reason": finish_reason, "logprobs": None,
            "message": {"role": "assistant", "content": text, "refusal": refusal},
        }],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": out, "total_tokens": tokens_in + out},
    }  # fmt: skip


def question(text: str) -> dict[str, Any]:
    """The body of a request."""
    return {"model": "scripted", "messages": [{"role": "user", "content": text}]}


def text_of(body: dict[str, Any]) -> str:
    """The text of the last message; ``#`` and a digest follow for each picture, sound or film."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    parts = []
    for part in content:
        inner = part[part["type"]]
        data = inner if part["type"] == "text" else json.dumps(inner)
        parts.append(data if part["type"] == "text" else f"#{hashlib.sha256(data.encode()).hexdigest()[:8]}")
    return "".join(parts)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "scripted"}}, status=status, headers=headers)
