"""How close the dispatcher comes to ideal throughput: 2,000 chat requests to a loopback endpoint.

    python -m benchmarks.dispatch [--requests 2000] [--peers DIR] [--json]

Ideal is concurrency / latency. ``share`` is that of the whole call, start included; ``busy`` that from the first
question to the last answer. Beside each figure, in the same minute, a bare aiohttp loop that does nothing but ask: it
shows what endpoint, kernel and HTTP take, so that the endpoint is not what is measured; with ``--peers`` other tools as
well (`benchmarks.dispatch_peers`). Processor time is that of the client. Exits with 1 where a bound is missed.
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

from benchmarks.dispatch_peers import PEERS, Took, prepare, run
from benchmarks.loopback import served
from benchmarks.peers import Failed
from mercap.dispatch.dispatcher import Call, Dispatcher, Endpoint
from mercap.dispatch.journal import Journal

# Latency, concurrency, least share of ideal throughput (None: reported, not held).
CASES: tuple[tuple[float, int, float | None], ...] = (
    (1.0, 8, 0.95), (1.0, 32, 0.95), (1.0, 128, 0.95), (0.05, 8, None), (0.05, 32, 0.70), (0.05, 128, None),
)  # fmt: skip
FIGURES = ("share", "busy_share", "cpu_s_per_1000")
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


def measure(work: Callable[[str, int, int], None], latency_s: float, concurrency: int, requests: int) -> Took:
    with served(latency_s) as endpoint:
        wall, processor = time.perf_counter(), time.process_time()
        work(endpoint.url, requests, concurrency)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        return Took(wall, endpoint.busy_s, processor)


def measure_all(requests: int, peers: Path | None) -> list[dict[str, Any]]:
    """A row per case; with the figures of each peer in ``peers``, or why it has none."""
    pythons = prepare(peers) if peers else {}
    rows = []
    for latency_s, concurrency, least in CASES:
        count = min(requests, 25 * concurrency) if latency_s >= 1.0 else requests  # 8 at a time would take four minutes
        ours = _figures(measure(dispatched, latency_s, concurrency, count), latency_s, concurrency, count)
        floor = _figures(measure(bare, latency_s, concurrency, count), latency_s, concurrency, count)
        others = {name: _peer(name, python, latency_s, concurrency, count) for name, python in pythons.items()}
        rows.append({
            "latency_s": latency_s, "concurrency": concurrency, "requests": count, "least": least, **ours,
            **{f"bare_{name}": value for name, value in floor.items()}, "peers": others,
        })  # fmt: skip
    return rows


def _peer(name: str, python: Path | str, latency_s: float, concurrency: int, requests: int) -> dict[str, float] | str:
    if isinstance(python, str):
        return python
    peer = next(peer for peer in PEERS if peer.requirements[0] == name)
    try:
        took = run(peer, python, NARRATIVE, latency_s, concurrency, requests)
    except Failed as failure:
        return str(failure)
    return _figures(took, latency_s, concurrency, requests)


def _figures(took: Took, latency_s: float, concurrency: int, requests: int) -> dict[str, float]:
    """Shares of ideal throughput, of the whole call and while busy, and processor seconds per 1,000 requests."""
    ideal_s = requests * latency_s / concurrency
    return {
        "share": ideal_s / took.wall_s, "busy_share": ideal_s / took.busy_s,
        "cpu_s_per_1000": 1000 * took.cpu_s / requests,
    }  # fmt: skip


def show(rows: list[dict[str, Any]]) -> None:
    print(f"{'latency s':>9}{'at once':>9}{'requests':>10}  {'':<28}{'share':>7}{'busy':>7}{'cpu s / 1000':>14}")
    for row in rows:
        case = f"{row['latency_s']:>9}{row['concurrency']:>9}{row['requests']:>10}  "
        bound = f"   (bound {row['least']})" if row["least"] else ""
        print(f"{case}{'mercap':<28}{_shown(row)}{bound}")
        print(f"{'':>30}{'bare aiohttp':<28}{_shown({name: row[f'bare_{name}'] for name in FIGURES})}")
        for name, found in row["peers"].items():
            print(f"{'':>30}{name:<28}{found if isinstance(found, str) else _shown(found)}")


def _shown(figures: dict[str, Any]) -> str:
    return f"{figures['share']:>7.2f}{figures['busy_share']:>7.2f}{figures['cpu_s_per_1000']:>14.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--peers", type=Path, metavar="DIR", help="run other tools as well; where their packages go")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure_all(arguments.requests, arguments.peers)
    if arguments.json:
        print(json.dumps(rows))
    else:
        show(rows)
    return int(any(row["least"] is not None and row["share"] < row["least"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
