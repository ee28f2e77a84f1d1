"""Whole runs whose narratives and labels come from an endpoint that misbehaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from storage.query import query
from storage.store import Store
from tests.endpoint import Endpoint, Script
from tests.lab import ROOT, Lab

SECRET = "sk-planted-8f3a"
VARIABLE = "MERCAP_TEST_KEY"
STORY = "The words, the face and the voice all say that the person is happy."
CLIPS = 12


def reply(text: str) -> str:
    """A narrative to evidence, labels to a narrative; told apart by the marker."""
    if text.startswith("<<words"):
        return f"{STORY} ({abs(hash(text)) % 10_000})"
    return json.dumps({"labels": [{"text": "happy", "quote": "is happy"}], "sentiment": "positive"})


def use(lab: Lab, server: Endpoint, **options: Any) -> None:
    """A recipe whose `merge` and `label` ask ``server``."""
    lab.write_recipe()
    text = lab.recipe.read_text()
    for stage in ("merge", "label"):
        values = {"backend": "openai", "base_url": server.url, "model": "m", "prompt": f"{stage}/v1.en",
                  "timeout_s": 2.0, "concurrency": 4, **options}  # fmt: skip
        body = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        text = re.sub(rf"\[{stage}\]\n(?:.+\n)+", f"[{stage}]\n{body}", text)
    lab.recipe.write_text(text)


@pytest.fixture
def filled(lab: Lab) -> Lab:
    lab.fill(CLIPS)
    return lab


def calls(server: Endpoint) -> tuple[int, int]:
    """Calls about narratives, and about labels."""
    merges = sum(count for text, count in server.calls.items() if text.startswith("<<words"))
    return merges, sum(server.calls.values()) - merges


def test_narratives_and_labels_come_from_the_endpoint(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        report = filled.annotate()
    assert report["captions"] == CLIPS
    assert calls(server) == (CLIPS, CLIPS)
    assert server.invalid == []
    narratives = [json.loads(row["payload"])["text"] for row in filled.rows() if row["stage"] == "merge"]
    assert all(text.startswith(STORY) for text in narratives)


def test_faults_on_the_way_lose_nothing_and_ask_nothing_twice(filled: Lab) -> None:
    faults = ["429", "500", "bad_json", "reset", "half", "429:0.1", None, None]
    script: Script = lambda text, attempt: faults[len(text) * 7 % len(faults)] if attempt == 1 else None  # noqa: E731
    with Endpoint(script, reply=reply) as server:
        use(filled, server)
        report = filled.annotate()
    assert report["captions"] == CLIPS
    assert report["quarantined"] == 0
    assert max(server.answered.values()) == 1


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("refusal", "refusal"),
        ("length", "cut_off"),
        ("empty", "empty_reply"),
        ("400", "backend"),
        ("bad_json", "unreadable_reply"),
    ],
)
def test_what_fails_for_good_quarantines_its_cell_alone_and_names_the_cause(
    filled: Lab, fault: str, cause: str
) -> None:
    chosen: list[str] = []

    def script(text: str, _attempt: int) -> str | None:
        if text.startswith("<<words") and not chosen:
            chosen.append(text)
        return fault if text in chosen else None

    with Endpoint(script, reply=reply) as server:
        use(filled, server, attempts=2)
        report = filled.annotate(expect=3)  # one of twelve is more than the 5 % that may fail
    assert report["captions"] == CLIPS - 1
    assert [row["cause"] for row in filled.rows() if row["status"] == "quarantined"] == [cause]


@pytest.mark.parametrize("runner", ["plain", "prefect"])
@pytest.mark.parametrize(("fault", "sentence"), [("401", "refuses the key"), ("404", "knows no such path or model")])
def test_an_endpoint_that_takes_nothing_ends_the_run_with_one_sentence_and_quarantines_nothing(
    filled: Lab, fault: str, sentence: str, runner: str
) -> None:
    with Endpoint(lambda text, _attempt: fault if not text.startswith("<<words") else None, reply=reply) as server:
        use(filled, server)
        done = subprocess.run(filled.command(runner=runner), capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 6, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
        assert not [row for row in filled.rows() if row["status"] == "quarantined"]
        assert sum(row["stage"] == "merge" for row in filled.rows()) == CLIPS
        # Once it is mended, only what is missing is asked.
        server.script = lambda _text, _attempt: None
        before = calls(server)[0]
        assert filled.annotate()["captions"] == CLIPS
        assert calls(server)[0] == before


def test_a_missing_key_is_told_before_anything_runs(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server, api_key_env="MERCAP_NO_SUCH_VARIABLE")
        done = subprocess.run(filled.command(), capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "set the variable MERCAP_NO_SUCH_VARIABLE" in done.stderr
    assert not filled.store.exists()


def test_a_key_is_sent_and_appears_in_no_file(filled: Lab, tmp_path: Path) -> None:
    with Endpoint(reply=reply, keys=(SECRET,)) as server:
        use(filled, server, api_key_env=VARIABLE)
        environment = {**os.environ, VARIABLE: SECRET}
        done = subprocess.run(filled.command(), capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    searched = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(searched) > 20
    assert not [path for path in searched if SECRET.encode() in path.read_bytes()]


def kill_after_answers(lab: Lab, server: Endpoint, count: int) -> None:
    """Start a run and SIGKILL it once ``count`` requests have been answered."""
    process = subprocess.Popen(
        lab.command(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while sum(server.answered.values()) < count:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_after_a_kill_no_answered_question_is_asked_again(filled: Lab) -> None:
    with Endpoint(reply=reply, latency_s=0.15) as server:
        use(filled, server, concurrency=2)
        kill_after_answers(filled, server, 5)
        assert filled.annotate()["captions"] == CLIPS
    assert 2 * CLIPS <= sum(server.calls.values()) <= 2 * CLIPS + 2  # what was under way at the kill


def test_another_label_prompt_or_model_asks_about_labels_only(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        filled.annotate()
        text = filled.recipe.read_text()
        at = text.index("[label]")
        filled.recipe.write_text(text[:at] + text[at:].replace('model = "m"', 'model = "n"', 1))
        filled.annotate()
    assert calls(server) == (CLIPS, 2 * CLIPS)


def spend(lab: Lab) -> dict[str, dict[str, Any]]:
    """What `mercap status` says of cost, by stage."""
    command = [sys.executable, "-m", "app", "status", "--store", str(lab.store), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["spend"]
    total: dict[str, dict[str, Any]] = {}
    for row in rows:
        of_stage = total.setdefault(row["stage"], {"answers": 0, "prompt_tokens": 0, "price": 0.0})
        for name in of_stage:
            of_stage[name] += row[name] or 0
    return total


def test_what_answers_cost_is_counted_once_whatever_happened_in_between(filled: Lab) -> None:
    with Endpoint(reply=reply, latency_s=0.15) as server:
        use(filled, server, concurrency=2, price_per_mtok_in=2.0, price_per_mtok_out=0.0)
        kill_after_answers(filled, server, 6)
        filled.annotate()
        filled.annotate()
    found = spend(filled)
    assert {stage: one["answers"] for stage, one in found.items()} == {"merge": CLIPS, "label": CLIPS}
    assert sum(one["prompt_tokens"] for one in found.values()) == 10 * 2 * CLIPS
    assert sum(one["price"] for one in found.values()) == pytest.approx(10 * 2 * CLIPS * 2.0 / 1e6)
    asked = query(Store.open(filled.store), "SELECT count(*), sum(prompt_tokens), sum(price) FROM usage").rows[0]
    assert list(asked) == [2 * CLIPS, 10 * 2 * CLIPS, pytest.approx(10 * 2 * CLIPS * 2.0 / 1e6)]


def test_an_answer_that_could_not_be_used_cost_something_all_the_same(filled: Lab) -> None:
    with Endpoint(lambda text, _attempt: "refusal" if text.startswith("<<words") else None, reply=reply) as server:
        use(filled, server)
        filled.annotate(expect=3)
    assert spend(filled)["merge"]["prompt_tokens"] == 10 * CLIPS


def test_what_was_refused_is_asked_again_on_request_only(filled: Lab) -> None:
    refused = True

    def script(text: str, _attempt: int) -> str | None:
        return "refusal" if refused and text.startswith("<<words") else None

    with Endpoint(script, reply=reply) as server:
        use(filled, server)
        filled.annotate(expect=3)
        refused = False
        filled.annotate(expect=3)
        filled.annotate("--retry-quarantined", "timeout", expect=3)
        assert calls(server) == (CLIPS, 0)
        report = filled.annotate("--retry-quarantined", "refusal")
    assert report["captions"] == CLIPS
    assert calls(server) == (2 * CLIPS, CLIPS)
    assert spend(filled)["merge"]["answers"] == 2 * CLIPS


def test_a_cause_that_does_not_exist_is_told_before_anything_runs(filled: Lab) -> None:
    command = [*filled.command(), "--retry-quarantined", "boredom"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "all or a cause of docs/causes.md, not 'boredom'" in done.stderr
