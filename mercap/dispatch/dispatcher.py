"""Send many chat requests to one endpoint and hand the answers back as they come.

A transient fault is tried again after a jittered, growing pause, up to ``attempts`` calls; then it fails its cell as
retryable. A permanent one fails its cell at once. When nothing has come back for a while and everything fails, the
circuit opens: `EndpointError`, and what was answered until then has been handed out. Answers that the journal holds
are not asked for again. aiohttp carries the requests: about 0.4 ms of processor per request, a fifth of what the
openai client takes; its types check the answers.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp

from mercap.dispatch.faults import Transient, check_status, parse_completion
from mercap.dispatch.gate import Gate, PerMinute
from mercap.dispatch.journal import Entry, Journal, request_key
from mercap.errors import CellFailure, EndpointError

BREAKER_FAULTS = 10  # in a row, with no answer between them, and ...
BREAKER_S = 10.0  # ... no answer for this long: nobody is there
PAUSE_FIRST_S, PAUSE_MAX_S = 0.25, 30.0
REPLY_MAX_BYTES = 8 << 20
NOT_READY_S = 0.01  # until the next call is asked for again


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, how fast, and how long to wait. ``key`` is a secret: it is in no message and no digest."""

    url: str
    concurrency: int = 32
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    timeout_s: float = 120.0
    attempts: int = 6
    key: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    @property
    def chat_url(self) -> str:
        return f"{self.url.rstrip('/')}/chat/completions"


class Call(NamedTuple):
    """``place`` is the caller's own; ``tokens`` an estimate for the limit per minute.

    ``attempt`` tells a question that is asked again on purpose from one whose answer may come from the journal.
    """

    place: int
    body: dict[str, Any]
    tokens: float = 0.0
    attempt: int = 0


class Reply(NamedTuple):
    """Either ``entry`` or ``failure``; ``replayed`` says that the journal answered."""

    place: int
    entry: Entry | None
    failure: CellFailure | None
    replayed: bool = False


class _End:
    """After the last call: ``None`` says that one is not ready yet."""


_END = _End()
_Begun = Reply | asyncio.Task[Reply] | None | _End  # None: not ready


class Dispatcher:
    """One endpoint and one journal. Use `ask_all`, or `stream` within a running loop.

    ``admits`` is asked before a call is sent for the first time; after the first that it does not admit none is sent.
    """

    def __init__(self, endpoint: Endpoint, journal: Journal, admits: Callable[[Call], bool] = lambda _: True) -> None:
        self._endpoint, self._journal, self._admits = endpoint, journal, admits
        self._chance = random.Random()  # noqa: S311 - spreads retries, decides nothing
        self._under_way: dict[str, asyncio.Task[Reply]] = {}  # by key: the same question is asked once
        self._faults_in_row = 0
        self._last_answer = 0.0

    def ask_all(self, calls: Iterable[Call | None]) -> Iterator[Reply]:
        """Answers in the order in which they come; a call that is ``None`` is not ready yet.

        Raises EndpointError; closing the iterator stops all requests.
        """
        found: queue.SimpleQueue[Reply | BaseException | None] = queue.SimpleQueue()
        loop = asyncio.new_event_loop()
        task: asyncio.Task[None] | None = None

        async def pump() -> None:
            async for reply in self.stream(calls):
                found.put(reply)

        def work() -> None:
            nonlocal task
            task = loop.create_task(pump())
            try:
                loop.run_until_complete(task)
                found.put(None)
            except BaseException as error:  # whatever it is, the caller's thread is to raise it
                found.put(error)
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()

        thread = threading.Thread(target=work, name="dispatch", daemon=True)
        thread.start()
        try:
            while (one := found.get()) is not None:
                if isinstance(one, BaseException):
                    raise one
                yield one
        finally:
            if thread.is_alive():
                with suppress(RuntimeError):  # the loop may just have ended by itself
                    loop.call_soon_threadsafe(lambda: task and task.cancel())
                thread.join()

    async def stream(self, calls: Iterable[Call | None]) -> AsyncIterator[Reply]:
        """As `ask_all`, within a running loop."""
        self._gate = Gate(self._endpoint.concurrency)
        self._requests = PerMinute(self._endpoint.requests_per_minute)
        self._tokens = PerMinute(self._endpoint.tokens_per_minute)
        self._last_answer = asyncio.get_running_loop().time()
        headers = {"Authorization": f"Bearer {self._endpoint.key}"} if self._endpoint.key else {}
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=self._endpoint.timeout_s)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
            async for reply in self._all(session, iter(calls)):
                yield reply

    async def _all(self, session: aiohttp.ClientSession, calls: Iterator[Call | None]) -> AsyncIterator[Reply]:
        """Keeps as many calls begun as may ever be under way, and takes the next only then."""
        under_way: set[asyncio.Task[Reply]] = set()
        ended = False
        try:
            while under_way or not ended:
                begun: _Begun = _END
                while not ended and len(under_way) < 2 * self._endpoint.concurrency:
                    begun = self._begin(session, next(calls, _END))
                    if begun is None:
                        break
                    if isinstance(begun, Reply):
                        yield begun
                    elif isinstance(begun, _End):
                        ended = True
                    else:
                        under_way.add(begun)
                patience = None if begun is not None else NOT_READY_S
                if not under_way:
                    await asyncio.sleep(patience or 0)
                else:
                    done, under_way = await asyncio.wait(
                        under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                    )
                    fatal = None
                    for task in done:  # those that came with a fatal one are answers all the same
                        if (error := task.exception()) is None:
                            yield task.result()
                        else:
                            fatal = error
                    if fatal is not None:
                        raise fatal
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def _begin(self, session: aiohttp.ClientSession, call: Call | _End | None) -> _Begun:
        """The answer that the journal holds, or the call under way; the end where it is not admitted."""
        if call is None or isinstance(call, _End):
            return call
        key = request_key(self._endpoint.chat_url, call.body, call.attempt)
        if (known := self._journal.answer(key)) is not None:
            return Reply(call.place, known, None, replayed=True)
        if (same := self._under_way.get(key)) is not None:
            return asyncio.create_task(_also(same, call.place))
        if not self._admits(call):
            return _END
        task = self._under_way[key] = asyncio.create_task(self._one(session, call, key))
        task.add_done_callback(lambda _: self._under_way.pop(key))
        return task

    async def _one(self, session: aiohttp.ClientSession, call: Call, key: str) -> Reply:
        for attempt in range(1, self._endpoint.attempts + 1):
            await self._requests.take()
            await self._tokens.take(call.tokens)
            await self._gate.enter()
            try:
                entry = Entry(key, *await self._ask(session, call), attempt)
                self._journal.record(entry)
                return Reply(call.place, entry, None)
            except Transient as fault:
                self._note(fault)
                if attempt == self._endpoint.attempts:
                    return Reply(call.place, None, fault.as_failure(attempt))
                pause = self._pause(attempt, fault)
            except CellFailure as failure:
                self._answered()
                return Reply(call.place, None, failure)
            finally:
                self._gate.leave()
            await asyncio.sleep(pause)
        raise AssertionError("attempts is at least 1")

    async def _ask(self, session: aiohttp.ClientSession, call: Call) -> tuple[dict[str, Any], float]:
        """One call: the body of its answer, and the seconds it took."""
        loop = asyncio.get_running_loop()
        url, started = self._endpoint.chat_url, loop.time()
        try:
            async with session.post(url, json=call.body) as response:
                text = await _text(response)
                check_status(url, response.status, response.headers, text)
        except TimeoutError:
            raise Transient("timeout", f"{url} did not answer within {self._endpoint.timeout_s:g} s") from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise EndpointError(f"{url} is no http or https address; mend base_url in the recipe.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Transient("backend", f"the connection to {url} failed: {_plain(error)}") from None
        latency_s = loop.time() - started
        body = parse_completion(text)
        self._answered()
        self._gate.answered(latency_s)
        return body, latency_s

    def _answered(self) -> None:
        self._faults_in_row = 0
        self._last_answer = asyncio.get_running_loop().time()

    def _note(self, fault: Transient) -> None:
        """Count a fault; open the circuit when there have been nothing but faults for too long."""
        if fault.refused:
            self._gate.refused(fault.retry_after_s)
            if fault.retry_after_s is not None:
                self._answered()  # an endpoint that says when to come back is there
                return
        self._faults_in_row += 1
        silent_s = asyncio.get_running_loop().time() - self._last_answer
        if self._faults_in_row >= BREAKER_FAULTS and silent_s >= BREAKER_S:
            raise EndpointError(
                f"{self._endpoint.chat_url} has not answered for {silent_s:.0f} s, {self._faults_in_row} requests in a "
                f"row failed, the last because {fault.message}; what was answered is kept, run again once it is up."
            )

    def _pause(self, attempt: int, fault: Transient) -> float:
        """Full jitter over a doubling span; never shorter than the endpoint's own word."""
        span = min(PAUSE_MAX_S, PAUSE_FIRST_S * 2 ** (attempt - 1))
        return max(self._chance.uniform(span / 2, span), fault.retry_after_s or 0.0)


async def _also(task: asyncio.Task[Reply], place: int) -> Reply:
    """The answer to the same question, asked a moment ago for another place."""
    reply = await asyncio.shield(task)
    return reply._replace(place=place, replayed=reply.entry is not None)


async def _text(response: aiohttp.ClientResponse) -> str:
    data = await response.content.read(REPLY_MAX_BYTES + 1)
    while len(data) <= REPLY_MAX_BYTES and (more := await response.content.read(REPLY_MAX_BYTES + 1 - len(data))):
        data += more
    if len(data) > REPLY_MAX_BYTES:
        raise Transient("unreadable_reply", f"the answer is longer than {REPLY_MAX_BYTES >> 20} MiB")
    return data.decode("utf-8", errors="replace")


def _plain(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
