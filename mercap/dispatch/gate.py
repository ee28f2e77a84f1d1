"""How many requests may be under way: additive increase, multiplicative decrease, and requests or tokens per minute.

The gate starts wide open and learns. Once per round trip, the limit falls by half the share of requests that were
refused (429) lately: an endpoint that refuses everything halves it each time, one that refuses one in twenty at random
hardly moves it, where halving on any refusal would leave three requests of thirty-two under way (DCTCP against Reno).
Latency far above the best ever seen takes a third. Every answer raises it by a fraction, so that a full round of
answers raises it by one. What the endpoint says outright (Retry-After) holds everybody back until then.
"""

from __future__ import annotations

import asyncio
from collections import deque

SLOW_SHRINK = 0.67
SHARE_SMOOTHING = 0.5  # of the share of refusals, from round to round
ROUND_LEAST_S = 0.1
SLOW_FACTOR = 6.0  # smoothed latency above this many times the best smoothed latency counts as congestion
SMOOTHING = 0.05
SETTLED = 20  # answers before latency says anything


class Gate:
    """``limit_max`` requests at once at most. Times are seconds of the running loop's clock."""

    def __init__(self, limit_max: int) -> None:
        self.limit = float(limit_max)
        self.in_flight = 0
        self._max = float(limit_max)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._open_at = 0.0
        self._shrunk_at = float("-inf")
        self._round_at = float("-inf")
        self._round: list[bool] = []  # refused or not, since the last round ended
        self._share = 0.0
        self._answers = 0
        self._latency = self._best = 0.0

    async def enter(self) -> None:
        """Wait for a place, and for the endpoint's own Retry-After."""
        loop = asyncio.get_running_loop()
        while True:
            if (pause := self._open_at - loop.time()) > 0:
                await asyncio.sleep(pause)
            elif self.in_flight < int(self.limit):
                self.in_flight += 1
                return
            else:
                place: asyncio.Future[None] = loop.create_future()
                self._waiting.append(place)
                await place

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._wake()

    def answered(self, latency_s: float) -> None:
        self._end_of(refused=False)
        self._answers += 1
        self._latency += (latency_s - self._latency) * (SMOOTHING if self._answers > 1 else 1.0)
        if self._answers >= SETTLED:
            self._best = min(self._best or self._latency, self._latency)
            if self._latency > SLOW_FACTOR * self._best:
                self._slow()
                return
        self.limit = min(self._max, self.limit + 1.0 / max(self.limit, 1.0))
        self._wake()

    def refused(self, retry_after_s: float | None) -> None:
        """The endpoint said that it is too much."""
        if retry_after_s is not None:
            self._open_at = max(self._open_at, asyncio.get_running_loop().time() + retry_after_s)
        self._end_of(refused=True)

    def _end_of(self, *, refused: bool) -> None:
        """Note how a request ended; at the end of a round trip, let the limit fall by what was refused in it."""
        now = asyncio.get_running_loop().time()
        self._round.append(refused)
        if now - self._round_at < max(self._latency, ROUND_LEAST_S):
            return
        share = sum(self._round) / len(self._round)
        self._share += (share - self._share) * SHARE_SMOOTHING
        if share:
            self.limit = max(1.0, self.limit * (1 - self._share / 2))
        self._round_at = now
        self._round.clear()

    def _slow(self) -> None:
        """At most once per round trip."""
        now = asyncio.get_running_loop().time()
        if now - self._shrunk_at >= max(self._latency, ROUND_LEAST_S):
            self._shrunk_at = now
            self.limit = max(1.0, self.limit * SLOW_SHRINK)

    def _wake(self) -> None:
        for _ in range(int(self.limit) - self.in_flight):
            if not self._waiting:
                return
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)


class PerMinute:
    """Lets through ``per_minute`` units evenly; a tenth of a minute's worth may go at once. ``None``: no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self._spacing = 60.0 / per_minute if per_minute else 0.0
        self._burst = self._spacing * (per_minute or 0) / 10.0
        self._paid_until = float("-inf")

    async def take(self, units: float = 1.0) -> None:
        """Wait until ``units`` may be spent."""
        if not self._spacing:
            return
        now = asyncio.get_running_loop().time()
        start = max(self._paid_until, now - self._burst)
        self._paid_until = start + units * self._spacing
        if (wait := start - now) > 0:
            await asyncio.sleep(wait)
