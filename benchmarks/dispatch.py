"""How close the dispatcher comes to ideal throughput: 2,000 chat requests to a loopback endpoint.

    python -m benchmarks.dispatch [--requests 2000] [--json]

Ideal is concurrency / latency. Beside each figure, in the same minute, a bare aiohttp loop that does nothing but ask:
it shows what endpoint, kernel and HTTP take, so that the endpoint is not what is measured. Processor time is that of
the client process alone. Exits with 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.loopback import served
from mercap.dispatch.dispatcher import Call, Dispatcher, Endpoint
from mercap.dispatch.journal import Journal

# Latency, concurrency, least share of ideal throughput (None: reported, not held).
CASES: tuple[tuple[float, int, float | None], ...] = (
    (1.0, 8, 0.95), (1.0, 32, 0.95), (1.0, 128, 0.95), (0.05, 8, None), (0.05, 32, 0.70), (0.05, 128, None),
)  # fmt: skip
NARRATIVE = "The corners of the mouth are raised in 41 of 60 frames; the voice is high and lively. " * 12


def body(number: int) -> dict[str, Any]:
    return {"model": "loopback", "messages": [{"role": "user", "content": f"{number}: {NARRATIVE}"}]}


def dispatched(url: str, requests: int, concurrency: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        calls = (Call(number, body(number)) for number in range(requests))
        replies = list(Dispatcher(Endpoint(url, concurrency), journal).ask_all(calls))
        journal.close()
    assert sum(reply.entry is not None for reply in replies) == requests


def bare(url: str, requests: int, concurrency: int) -> None:
    async def main() -> int:
        numbers = iter(range(requests))
        answered = 0

        async def ask(session: aiohttp.ClientSession) -> None:
            nonlocal answered
            for number in numbers:
                async with session.post(f"{url}/chat/completions", json=body(number)) as response:
                    answered += bool(await response.json())

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(ask(session) for _ in range(concurrency)))
        return answered

    assert asyncio.run(main()) == requests


def measure(
    work: Callable[[str, int, int], None], latency_s: float, concurrency: int, requests: int
) -> tuple[float, float]:
    """Share of ideal throughput, and processor seconds per 1,000 requests."""
    with served(latency_s) as url:
        wall, processor = time.perf_counter(), time.process_time()
        work(url, requests, concurrency)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return requests * latency_s / concurrency / wall, 1000 * processor / requests


def measure_all(requests: int) -> list[dict[str, Any]]:
    rows = []
    for latency_s, concurrency, least in CASES:
        count = min(requests, 25 * concurrency) if latency_s >= 1.0 else requests  # 8 at a time would take four minutes
        share, cpu = measure(dispatched, latency_s, concurrency, count)
        floor, floor_cpu = measure(bare, latency_s, concurrency, count)
        rows.append({
            "latency_s": latency_s, "concurrency": concurrency, "requests": count, "share": share, "least": least,
            "bare_share": floor, "cpu_s_per_1000": cpu, "bare_cpu_s_per_1000": floor_cpu,
        })  # fmt: skip
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    print("latency s  at once  requests  share of ideal  bare aiohttp  cpu s / 1000    bare")
    for row in rows:
        shares = f"{row['share']:>16.2f}{row['bare_share']:>14.2f}"
        processor = f"{row['cpu_s_per_1000']:>14.2f}{row['bare_cpu_s_per_1000']:>8.2f}"
        bound = f"   (bound {row['least']})" if row["least"] else ""
        print(f"{row['latency_s']:>9}{row['concurrency']:>9}{row['requests']:>10}{shares}{processor}{bound}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure_all(arguments.requests)
    if arguments.json:
        print(json.dumps(rows))
    else:
        show(rows)
    return int(any(row["least"] is not None and row["share"] < row["least"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
