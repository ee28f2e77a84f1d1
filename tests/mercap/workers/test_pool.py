from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mercap.errors import UsageError
from mercap.workers.pool import PoolClosed, Request, WorkerPool

CHILD = (sys.executable, str(Path(__file__).with_name("fake_child.py")))


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2, CHILD) as made:
        yield made


def ask(kind: str, seconds: float = 20.0, **arguments: str) -> Request:
    return Request(kind, dict(arguments), seconds)


def test_workers_are_kept_from_one_request_to_the_next(pool: WorkerPool) -> None:
    assert pool.run(ask("pid")).payload == pool.run(ask("pid")).payload


def test_a_hanging_request_is_killed_and_typed(pool: WorkerPool) -> None:
    started = time.monotonic()
    outcome = pool.run(ask("hang", seconds=0.5))
    assert (outcome.status, outcome.cause, outcome.retryable) == ("quarantined", "timeout", True)
    assert time.monotonic() - started < 10


def test_a_request_that_kills_its_worker_twice_is_given_up(pool: WorkerPool) -> None:
    outcome = pool.run(ask("die"))
    assert (outcome.status, outcome.cause, outcome.retryable) == ("quarantined", "signal", False)


def test_a_request_whose_worker_died_by_chance_is_tried_once_more(pool: WorkerPool, tmp_path: Path) -> None:
    assert pool.run(ask("die_once", marker=str(tmp_path / "died"))).status == "ok"


def test_a_worker_that_announces_its_end_is_replaced_without_costing_a_try(tmp_path: Path) -> None:
    with WorkerPool(1, CHILD) as pool:
        first = pool.run(ask("leave")).payload
        second = pool.run(ask("die_once", marker=str(tmp_path / "died")))
    assert second.status == "ok"
    assert second.payload != first


@pytest.mark.parametrize("kind", ["garbage", "flood", "list", "stranger", "unknown_cause"])
def test_a_worker_that_answers_nonsense_is_not_believed(pool: WorkerPool, kind: str) -> None:
    assert pool.run(ask(kind)).cause == "signal"


def test_one_bad_request_costs_itself_only(pool: WorkerPool) -> None:
    requests = [ask("pid"), ask("die"), ask("pid"), ask("hang", seconds=0.5), ask("pid"), ask("pid")]
    found = {place: outcome.status for place, outcome in pool.map(requests)}
    assert found == {0: "ok", 1: "quarantined", 2: "ok", 3: "quarantined", 4: "ok", 5: "ok"}


def test_what_a_person_must_mend_ends_the_run(pool: WorkerPool) -> None:
    with pytest.raises(UsageError, match="The model 'x' is not there"):
        pool.run(ask("mend"))


def test_closing_the_pool_ends_what_is_under_way_without_a_verdict_on_the_clip(pool: WorkerPool) -> None:
    """An interrupted clip is neither answered nor quarantined: the next run computes it."""
    started = time.monotonic()
    threading.Timer(0.5, pool.close).start()
    with pytest.raises(PoolClosed):
        pool.run(ask("hang"))
    assert time.monotonic() - started < 10


def test_no_secret_reaches_a_worker(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    monkeypatch.setenv("PREFECT_API_KEY", "planted")
    payload = pool.run(ask("environment")).payload
    assert payload is not None
    assert "planted" not in payload
    assert "PATH" in json.loads(payload)


def test_a_worker_ends_with_its_parent_even_if_that_is_killed() -> None:
    """The parent alone is killed; its worker sees the pipe close."""
    code = (
        "import sys, time\nfrom mercap.workers.pool import Request, WorkerPool\n"
        f"pool = WorkerPool(1, {CHILD!r})\nprint(pool.run(Request('pid', {{}}, 20)).payload, flush=True)\n"
        "time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _alive(child):
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
