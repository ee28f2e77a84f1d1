"""Whole runs whose answers come from an endpoint that misbehaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from flows.forecast import forecast_run
from flows.preview import preview_run
from mercap.dispatch.budget import BudgetSpent
from mercap.errors import EndpointError, UsageError
from storage.query import query
from storage.store import Store
from storage.usage import spend
from tests.endpoint import Endpoint, Script
from tests.flows.asking import ALL_ROLES, CUE, STORY, calls, reply, run, use
from tests.lab import ROOT, Lab

SECRET = "sk-planted-8f3a"
VARIABLE = "MERCAP_TEST_KEY"
CLIPS = 10  # each looks and sounds different


@pytest.fixture
def filled(lab: Lab) -> Lab:
    lab.fill(CLIPS)
    return lab


def ledger(lab: Lab, stage: str) -> list[dict[str, Any]]:
    return [row for row in lab.rows() if row["stage"] == stage]


def test_narratives_and_labels_come_from_the_endpoint(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        report = run(filled)
    assert report.captions == CLIPS
    assert calls(server) == (CLIPS, CLIPS)
    assert server.invalid == []
    narratives = [json.loads(row["payload"])["text"] for row in ledger(filled, "merge")]
    assert all(text.startswith(STORY) for text in narratives)


def test_every_role_can_be_given_to_an_endpoint(filled: Lab) -> None:
    with Endpoint(reply=reply, keep_bodies=True) as server:
        use(filled, server, ALL_ROLES)
        report = run(filled)
    assert server.invalid == []
    assert report.captions == CLIPS
    kinds = [tuple(part["type"] for part in body["messages"][1]["content"][1:]) for body in server.bodies
             if not isinstance(body["messages"][1]["content"], str)]  # fmt: skip
    assert kinds.count(("input_audio",)) == CLIPS + sum(row["status"] == "ok" for row in ledger(filled, "transcribe"))
    assert kinds.count(("image_url",) * 6) == CLIPS, "0.6 s at 10 frames per second"
    assert {json.loads(row["payload"])["text"] for row in ledger(filled, "describe_visual")} == {CUE}
    usages = [json.loads(row["usage"]) for row in ledger(filled, "describe_audio")]
    assert all(usage["audio_s"] == pytest.approx(0.65, abs=0.1) for usage in usages)


def test_a_server_that_takes_films_is_sent_the_file_itself(filled: Lab) -> None:
    with Endpoint(reply=reply, keep_bodies=True) as server:
        use(filled, server, ("describe_visual",))
        text = filled.recipe.read_text()
        filled.recipe.write_text(text.replace("[describe_visual]", '[describe_visual]\npictures = { send = "video" }'))
        # `video_url` is an extension that the published schema does not know.
        server.checks_schema = False
        assert run(filled).quarantined == 0
    urls = [body["messages"][1]["content"][0]["video_url"]["url"] for body in server.bodies]
    assert len(urls) == CLIPS
    assert all(url.startswith("data:video/mp4;base64,") for url in urls)


def test_faults_on_the_way_lose_nothing_and_ask_nothing_twice(filled: Lab) -> None:
    faults = ["429", "500", "bad_json", "reset", "half", "429:0.1", None, None]
    script: Script = lambda text, attempt: faults[len(text) * 7 % len(faults)] if attempt == 1 else None  # noqa: E731
    with Endpoint(script, reply=reply) as server:
        use(filled, server)
        report = run(filled)
    assert report.captions == CLIPS
    assert report.quarantined == 0
    assert max(server.answered.values()) == 1


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("refusal", "refusal"),
        ("length", "cut_off"),
        ("empty", "empty_reply"),
        ("boilerplate", "boilerplate"),
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
        report = run(filled)
    assert report.exit_code == 3, "one of ten is more than the 5 % that may fail"
    assert report.captions == CLIPS - 1
    assert [row["cause"] for row in filled.rows() if row["status"] == "quarantined"] == [cause]


@pytest.mark.parametrize("runner", ["plain", "prefect"])
def test_a_refused_key_ends_the_run_with_one_sentence_and_quarantines_nothing(
    filled: Lab, runner: str, tmp_path: Path
) -> None:
    environment = {**os.environ, VARIABLE: SECRET, "PREFECT_HOME": str(tmp_path / "prefect")}
    script: Script = lambda text, _attempt: "401" if not text.startswith("<<words") else None  # noqa: E731
    with Endpoint(script, reply=reply) as server:
        use(filled, server, api_key_env=VARIABLE)
        done = subprocess.run(
            filled.command(runner=runner), capture_output=True, text=True, cwd=ROOT, env=environment, check=False
        )
        assert done.returncode == 6, done.stderr
        assert "refuses the key" in done.stderr
        assert "Traceback" not in done.stderr
        assert not [row for row in filled.rows() if row["status"] == "quarantined"]
        assert len(ledger(filled, "merge")) == CLIPS
    assert SECRET not in done.stdout + done.stderr
    assert files_with(tmp_path, SECRET) == []


def test_an_unknown_model_ends_the_run_and_once_it_is_there_only_what_is_missing_is_asked(filled: Lab) -> None:
    with Endpoint(lambda text, _attempt: "404" if not text.startswith("<<words") else None, reply=reply) as server:
        use(filled, server)
        with pytest.raises(EndpointError, match="knows no such path or model"):
            run(filled)
        server.script = lambda _text, _attempt: None
        before = calls(server)[0]
        assert run(filled).captions == CLIPS
        assert calls(server)[0] == before == CLIPS


def test_a_missing_key_is_told_before_anything_runs(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server, api_key_env="MERCAP_NO_SUCH_VARIABLE")
        with pytest.raises(UsageError, match="set the variable MERCAP_NO_SUCH_VARIABLE"):
            run(filled)
    assert not filled.store.exists()


def files_with(folder: Path, text: str) -> list[Path]:
    searched = [path for path in folder.rglob("*") if path.is_file()]
    assert len(searched) > 20
    return [path for path in searched if text.encode() in path.read_bytes()]


@pytest.mark.parametrize("runner", ["plain", "prefect"])
def test_a_key_is_sent_and_appears_in_no_file_parameter_or_artifact(filled: Lab, tmp_path: Path, runner: str) -> None:
    """Prefect keeps flows, parameters, artifacts and logs in a database below PREFECT_HOME."""
    environment = {**os.environ, VARIABLE: SECRET, "PREFECT_HOME": str(tmp_path / "prefect")}
    environment.pop("PREFECT_API_URL", None)
    with Endpoint(reply=reply, keys=(SECRET,)) as server:
        use(filled, server, api_key_env=VARIABLE)
        done = subprocess.run(
            filled.command(runner=runner), capture_output=True, text=True, cwd=ROOT, env=environment, check=False
        )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert files_with(tmp_path, SECRET) == []
    if runner == "prefect":
        database = tmp_path / "prefect" / "prefect.db"
        assert b"annotate-clips-recipe" in database.read_bytes(), "the run is in the database that was searched"


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


def test_after_a_kill_no_answered_question_is_asked_or_counted_again(filled: Lab) -> None:
    with Endpoint(reply=reply, latency_s=0.15) as server:
        use(filled, server, concurrency=2, price_per_mtok_in=2.0, price_per_mtok_out=0.0)
        kill_after_answers(filled, server, 5)
        assert run(filled).captions == CLIPS
        run(filled)
    assert 2 * CLIPS <= sum(server.calls.values()) <= 2 * CLIPS + 2  # what was under way at the kill
    found = spend(Store.open(filled.store))
    tokens = sum(given for given, _ in server.tokens.values())
    assert sum(row["answers"] for row in found) == 2 * CLIPS
    assert sum(row["prompt_tokens"] for row in found) == tokens
    assert sum(row["price"] for row in found) == pytest.approx(tokens * 2.0 / 1e6)


def test_usage_is_a_view_with_a_row_per_answer(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        run(filled)
    answer = query(
        Store.open(filled.store), "SELECT stage, count(*), sum(prompt_tokens) FROM usage GROUP BY 1 ORDER BY 1"
    )
    assert [row[:2] for row in answer.rows] == [("label", CLIPS), ("merge", CLIPS)]
    assert sum(row[2] for row in answer.rows) == sum(given for given, _ in server.tokens.values())


@pytest.mark.parametrize(
    ("before", "after", "asked", "stages"),
    [
        ('"label/v1.en"', '"label/v1.zh"', {"label"}, {"label", "verdict"}),
        ('"merge/v1.en"', '"merge/v2.en"', {"merge", "label"}, {"merge", "label", "screen", "verdict"}),
        (
            '"describe_audio/v1.en"', '"describe_audio/v1.zh"', {"describe_audio", "merge", "label"},
            {"describe_audio", "merge", "label", "screen", "verdict"},
        ),
    ],
    ids=["label", "merge", "describe_audio"],
)  # fmt: skip
def test_another_prompt_asks_its_stage_and_what_hangs_on_it_as_plan_had_said(
    filled: Lab, before: str, after: str, asked: set[str], stages: set[str]
) -> None:
    def answer(text: str) -> str:
        said = reply(text)
        if said.startswith(STORY) and "v2" in after and server.epoch:
            return json.dumps({"narrative": f"{said} Anew.", "conflict": False})
        return f"{said} {server.epoch}" if said == CUE else said

    with Endpoint(reply=answer) as server:
        use(filled, server, ("describe_visual", "describe_audio", "merge", "label"))
        run(filled)
        filled.recipe.write_text(filled.recipe.read_text().replace(before, after))
        planned = forecast_run(str(filled.clips), filled.store, str(filled.recipe), None)
        assert {row.stage_key for row in planned.stages if row.compute} == stages
        assert {row.stage_key: row.cost.calls for row in planned.stages if row.cost.calls} == dict.fromkeys(
            asked, CLIPS
        )
        seen, known = sum(server.calls.values()), {row["cell_id"] for row in filled.rows()}
        server.epoch += 1
        run(filled)
    assert sum(server.calls.values()) - seen == len(asked) * CLIPS
    made = {row["cell_id"] for row in filled.rows()} - known
    assert made == {cell for row in planned.stages for cell in row.cells}


def test_plan_says_what_it_would_cost_first_as_an_estimate_then_as_measured(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server, price_per_mtok_in=2.0, price_per_mtok_out=8.0)
        guess = {row.stage_key: row.cost for row in forecast_run(*forecasted(filled)).stages}["merge"]
        assert (guess.basis, guess.calls) == ("estimate", CLIPS)
        run(filled)
        filled.recipe.write_text(filled.recipe.read_text().replace('"merge/v1.en"', '"merge/v2.en"'))
        rows = {row.stage_key: row.cost for row in forecast_run(*forecasted(filled)).stages}
    merges = [tokens for text, tokens in server.tokens.items() if text.startswith("<<words")]
    assert (rows["merge"].basis, rows["merge"].calls) == ("measured", CLIPS)
    assert rows["merge"].prompt_tokens == pytest.approx(sum(given for given, _ in merges), abs=1)
    assert rows["merge"].price == pytest.approx(
        (rows["merge"].prompt_tokens * 2 + rows["merge"].completion_tokens * 8) / 1e6
    )
    assert rows["describe_visual"].calls == 0


def forecasted(lab: Lab) -> tuple[str, Path, str, None]:
    return str(lab.clips), lab.store, str(lab.recipe), None


@pytest.mark.parametrize("budget", ["4000tok", "0.008USD"])
def test_a_budget_is_never_exceeded_and_the_next_run_goes_on(filled: Lab, budget: str) -> None:
    with Endpoint(reply=reply, latency_s=0.05) as server:
        use(filled, server, max_tokens=300, price_per_mtok_in=2.0, price_per_mtok_out=2.0)
        with pytest.raises(BudgetSpent, match="is used up") as caught:
            run(filled, budget=budget)
        assert caught.value.exit_code == 4
        paid = sum(sum(tokens) for tokens in server.tokens.values())
        assert 0 < paid <= 4000
        answered = dict(server.answered)
        assert len(ledger(filled, "merge")) == len(answered), "what was answered is kept"
        assert run(filled).captions == CLIPS
    assert max(server.calls.values()) == 1


def test_a_budget_in_money_needs_prices_in_that_money(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        with pytest.raises(UsageError, match="merge in the recipe"):
            run(filled, budget="1USD")
        with pytest.raises(UsageError, match="in EUR, but the prices of the recipe are in USD"):
            run(filled, budget="1EUR")
        with pytest.raises(UsageError, match="amount such as"):
            run(filled, budget="much")
    assert not filled.store.exists()


def test_a_preview_shows_prompts_replies_and_captions_and_is_not_paid_for_twice(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        found = preview_run(str(filled.clips), str(filled.recipe), 2, filled.store)
        assert [clip.name for clip in found.clips] == ["clip00", "clip01"]
        cells = {cell.stage_key: cell for cell in found.clips[0].clip.cells}
        (_, prompt), (_, evidence) = found.clips[0].asked[cells["merge"].cell_id]
        assert prompt.startswith("You explain what the main person")
        assert "<<seen" in evidence
        assert (cells["merge"].row or {})["raw"].startswith(STORY)
        assert list(filled.rows()) == []
        run(filled)
    assert max(server.calls.values()) == 1


def test_another_model_asks_about_its_stage_only(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        run(filled)
        text = filled.recipe.read_text()
        at = text.index("[label]")
        filled.recipe.write_text(text[:at] + text[at:].replace('model = "m"', 'model = "n"', 1))
        run(filled)
    assert calls(server) == (CLIPS, 2 * CLIPS)


def test_an_answer_that_could_not_be_used_cost_something_all_the_same(filled: Lab) -> None:
    with Endpoint(lambda text, _attempt: "refusal" if text.startswith("<<words") else None, reply=reply) as server:
        use(filled, server)
        run(filled)
    assert sum(row["prompt_tokens"] for row in spend(Store.open(filled.store)) if row["stage"] == "merge") == 10 * CLIPS


def test_what_was_refused_is_asked_again_on_request_only(filled: Lab) -> None:
    refused = True

    def script(text: str, _attempt: int) -> str | None:
        return "refusal" if refused and text.startswith("<<words") else None

    with Endpoint(script, reply=reply) as server:
        use(filled, server)
        run(filled)
        refused = False
        run(filled)
        run(filled, retry_quarantined="timeout")
        assert calls(server) == (CLIPS, 0)
        report = run(filled, retry_quarantined="refusal")
    assert report.captions == CLIPS
    assert calls(server) == (2 * CLIPS, CLIPS)


def test_a_cause_that_does_not_exist_is_told_before_anything_runs(filled: Lab) -> None:
    with pytest.raises(UsageError, match=r"all or a cause of docs/causes\.md, not 'boredom'"):
        run(filled, retry_quarantined="boredom")
