"""A thousand clips against an endpoint with faults, and twenty kills: nothing lost, nothing paid twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from storage.query import query
from storage.store import Store
from storage.usage import spend
from storage.verify import verify
from tests.endpoint import Endpoint
from tests.flows.asking import reply, run, use
from tests.lab import ROOT, Lab

CLIPS = 1000
# Share of requests whose first attempt meets a fault, and those that meet one whenever they are asked.
FAULTS = {"429": 0.05, "500": 0.02, "hang": 0.01, "bad_json": 0.01, "reset": 0.01}
FOR_GOOD = {"refusal": ("refusal", 3), "length": ("cut_off", 2), "bad_json": ("unreadable_reply", 2),
            "500": ("backend", 2), "empty": ("empty_reply", 1)}  # fmt: skip
LATENCY_S, CONCURRENCY, TIMEOUT_S = 0.25, 32, 3.0
KILLS, KILL_CLIPS = 20, 150


def copies(lab: Lab, count: int) -> None:
    """Clips of different content that decode alike: what stands behind the last box of an mp4 is not read."""
    lab.fill(10)
    originals = sorted(lab.clips.iterdir())
    for number in range(10, count):
        clip = lab.clips / f"clip{number:04d}.mp4"
        clip.write_bytes(originals[number % 10].read_bytes() + b"\x00\x00\x00\x10free" + number.to_bytes(8, "big"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab in which everything that asks no endpoint is done."""
    lab = Lab(tmp_path_factory.mktemp("measured"))
    copies(lab, CLIPS)
    lab.write_recipe()
    assert run(lab).quarantined == 0
    return lab.root


def copy(measured: Path, root: Path) -> Lab:
    shutil.copytree(measured, root / "lab")
    return Lab(root / "lab")


def chance(text: str) -> float:
    """A number of 0 to 1 that belongs to the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def script(text: str, attempt: int) -> str | None:
    """The faults of `FAULTS` on first attempts."""
    place = chance(text)
    for fault, share in FAULTS.items():
        if place < share:
            return fault if attempt == 1 else None
        place -= share
    return None


def took(lab: Lab, server: Endpoint) -> tuple[float, Any]:
    use(lab, server, concurrency=CONCURRENCY, timeout_s=TIMEOUT_S, attempts=4)
    started = time.monotonic()
    report = run(lab)
    return time.monotonic() - started, report


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_thousand_clips_survive_a_faulty_endpoint(measured: Path, tmp_path: Path) -> None:
    with Endpoint(reply=reply, latency_s=LATENCY_S) as server:
        undisturbed_s, report = took(copy(measured, tmp_path / "calm"), server)
        assert report.captions == CLIPS
        assert sum(server.calls.values()) == 2 * CLIPS

    lab = copy(measured, tmp_path / "rough")
    with Endpoint(script, reply=reply, latency_s=LATENCY_S) as server:
        disturbed_s, report = took(lab, server)
    met = Counter(script(text, 1) for text in server.calls)
    assert all(met[fault] > 0 for fault in FAULTS), met
    assert report.captions == CLIPS
    assert report.quarantined == 0
    assert all(row.names == row.accounted == CLIPS for row in report.ledger)
    cells = Counter(row["cell_id"] for row in lab.rows())
    assert max(cells.values()) == 1
    asked_twice = {text for text, count in server.calls.items() if count > 1}
    assert asked_twice == {text for text in server.calls if script(text, 1) is not None}, "no other is asked again"
    hung_s = 2 * TIMEOUT_S  # once per stage at least one of them is what the end of the stage waits for
    print(f"calm {undisturbed_s:.1f} s, rough {disturbed_s:.1f} s, faults {dict(met)}")
    assert disturbed_s - hung_s <= 1.5 * undisturbed_s


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_quarantined_row_names_its_true_cause(measured: Path, tmp_path: Path) -> None:
    lab = copy(measured, tmp_path)
    chosen: dict[str, str] = {}
    wanted = [fault for fault, (_, count) in FOR_GOOD.items() for _ in range(count)]

    def stubborn(text: str, attempt: int) -> str | None:
        if text.startswith("<<words") and text not in chosen and wanted:
            chosen[text] = wanted.pop()
        return chosen.get(text) or script(text, attempt)

    with Endpoint(stubborn, reply=reply, latency_s=0.02) as server:
        use(lab, server, concurrency=CONCURRENCY, timeout_s=TIMEOUT_S, attempts=3)
        report = run(lab)
    causes = Counter(row["cause"] for row in lab.rows() if row["status"] == "quarantined")
    assert causes == dict(FOR_GOOD.values())
    assert report.captions == CLIPS - sum(causes.values())
    told = query(Store.open(lab.store), "SELECT cause, count(*) FROM quarantine GROUP BY 1").rows
    assert dict(told) == causes


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_twenty_kills_cost_no_more_than_what_was_under_way(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    copies(lab, KILL_CLIPS)
    lab.write_recipe()
    run(lab)
    rng = random.Random(20261121)
    concurrency, kills = 4, 0
    with Endpoint(reply=reply, latency_s=0.25) as server:
        use(lab, server, concurrency=concurrency, price_per_mtok_in=1.0, price_per_mtok_out=1.0)
        while kills < KILLS:
            before = sum(server.answered.values())
            process = subprocess.Popen(
                lab.command(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            while sum(server.answered.values()) == before:  # until it is at work again
                assert process.poll() is None, "it ended before it could be killed"
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.7))
            if process.poll() is None:
                (os.killpg if kills % 2 else os.kill)(process.pid, signal.SIGKILL)
                kills += 1
            process.wait()
        report = run(lab)
    assert report.captions == KILL_CLIPS
    assert 2 * KILL_CLIPS <= sum(server.calls.values()) <= 2 * KILL_CLIPS + concurrency * KILLS
    found = spend(Store.open(lab.store))
    assert sum(row["answers"] for row in found) == 2 * KILL_CLIPS == len(server.tokens)
    for name, place in (("prompt_tokens", 0), ("completion_tokens", 1)):
        assert sum(row[name] for row in found) == sum(tokens[place] for tokens in server.tokens.values())
    assert max(Counter(json.loads(row["usage"])["key"] for row in lab.rows() if row["usage"]).values()) == 1
    assert [finding for finding in verify(Store.open(lab.store)) if finding.level == "error"] == []
