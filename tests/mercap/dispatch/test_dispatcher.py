"""Many requests to an endpoint that misbehaves: everything answered or typed, nothing asked twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mercap.dispatch import dispatcher
from mercap.dispatch.dispatcher import Call, Dispatcher, Endpoint, Reply
from mercap.dispatch.journal import Journal
from mercap.errors import EndpointError
from tests.endpoint import Endpoint as Server
from tests.endpoint import Script, question
from tests.lab import ROOT


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "PAUSE_FIRST_S", 0.01)


def ask(url: str, folder: Path, count: int, **options: object) -> list[Reply]:
    """Replies in order of place."""
    journal = Journal(folder)
    endpoint = Endpoint(url, **{"concurrency": 8, "timeout_s": 5.0, **options})  # type: ignore[arg-type]
    try:
        replies = Dispatcher(endpoint, journal).ask_all(Call(place, question(f"q{place}")) for place in range(count))
        return sorted(replies, key=lambda reply: reply.place)
    finally:
        journal.close()


def text(reply: Reply) -> str | None:
    return None if reply.entry is None else reply.entry.body["choices"][0]["message"]["content"]


def first_time(fault: str) -> Script:
    return lambda _text, attempt: fault if attempt == 1 else None


def test_every_question_gets_its_own_answer(tmp_path: Path) -> None:
    with Server() as server:
        replies = ask(server.url, tmp_path, 50)
    assert [text(reply) for reply in replies] == [f"answer to q{place}" for place in range(50)]
    assert set(server.calls.values()) == {1}
    assert server.invalid == []


def test_the_same_question_asked_at_once_for_two_places_is_asked_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with Server(latency_s=0.05) as server:
        calls = [Call(place, question(f"q{place % 3}")) for place in range(9)]
        replies = list(Dispatcher(Endpoint(server.url, concurrency=9), journal).ask_all(calls))
    journal.close()
    assert sorted((reply.place, text(reply)) for reply in replies) == [(n, f"answer to q{n % 3}") for n in range(9)]
    assert sum(not reply.replayed for reply in replies) == 3
    assert set(server.calls.values()) == {1}


def test_a_call_that_is_not_ready_holds_nobody_up(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def calls() -> Iterator[Call | None]:
        for place in range(5):
            yield from [None] * 3
            yield Call(place, question(f"q{place}"))

    with Server(latency_s=0.3) as server:
        started = time.monotonic()
        replies = list(Dispatcher(Endpoint(server.url, concurrency=8), journal).ask_all(calls()))
        assert time.monotonic() - started < 1.2, "five at once take a little more than one"
    journal.close()
    assert sorted(reply.place for reply in replies) == list(range(5))


def test_after_a_call_that_is_not_admitted_none_is_sent_and_those_under_way_are_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with Server(latency_s=0.05) as server:
        asker = Dispatcher(Endpoint(server.url, concurrency=2), journal, lambda call: call.place != 5)
        replies = list(asker.ask_all(Call(place, question(f"q{place}")) for place in range(10)))
    journal.close()
    assert sorted(reply.place for reply in replies) == list(range(5))
    assert sum(server.calls.values()) == 5


def test_no_more_requests_are_under_way_than_allowed(tmp_path: Path) -> None:
    with Server(latency_s=0.02) as server:
        ask(server.url, tmp_path, 60, concurrency=5)
    assert server.most_at_once == 5


@pytest.mark.parametrize(
    "fault", ["429", "429:0.05", "500", "503", "reset", "half", "bad_json", "wrong_schema", "no_choice"]
)
def test_a_transient_fault_is_tried_again(tmp_path: Path, fault: str) -> None:
    with Server(first_time(fault)) as server:
        replies = ask(server.url, tmp_path, 6)
    assert [text(reply) for reply in replies] == [f"answer to q{place}" for place in range(6)]
    assert set(server.calls.values()) == {2}
    assert {reply.entry.attempts for reply in replies if reply.entry} == {2}


def test_an_answer_that_does_not_come_is_given_up_and_asked_for_again(tmp_path: Path) -> None:
    with Server(first_time("hang")) as server:
        replies = ask(server.url, tmp_path, 3, timeout_s=0.3)
    assert all(reply.entry for reply in replies)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("500", "backend"),
        ("429", "backend"),
        ("reset", "backend"),
        ("bad_json", "unreadable_reply"),
        ("hang", "timeout"),
    ],
)
def test_what_fails_every_time_names_its_cause_and_may_be_tried_in_another_run(
    tmp_path: Path, fault: str, cause: str
) -> None:
    with Server(lambda asked, _attempt: fault if asked == "q1" else None) as server:
        replies = ask(server.url, tmp_path, 3, attempts=3, timeout_s=0.3)
    failure = replies[1].failure
    assert failure is not None
    assert (failure.cause, failure.retryable) == (cause, True)
    assert "3 attempts" in failure.message
    assert server.calls == {"q0": 1, "q1": 3, "q2": 1}


def test_a_request_that_is_declined_fails_alone_and_is_not_repeated(tmp_path: Path) -> None:
    with Server(lambda asked, _attempt: "400" if asked == "q1" else None) as server:
        replies = ask(server.url, tmp_path, 3)
    failure = replies[1].failure
    assert failure is not None
    assert (failure.cause, failure.retryable) == ("backend", False)
    assert "scripted 400" in failure.message
    assert server.calls["q1"] == 1


def test_the_endpoints_own_word_on_when_to_come_back_is_kept(tmp_path: Path) -> None:
    with Server(first_time("429:0.5")) as server:
        started = time.monotonic()
        ask(server.url, tmp_path, 8)
    assert time.monotonic() - started >= 0.5


@pytest.mark.parametrize(
    ("fault", "sentence"), [("401", "refuses the key"), ("404", "knows no such path or model: scripted 404")]
)
def test_what_every_request_would_get_ends_the_run(tmp_path: Path, fault: str, sentence: str) -> None:
    with Server(lambda _text, _attempt: fault) as server, pytest.raises(EndpointError, match=sentence):
        ask(server.url, tmp_path, 100)
    assert sum(server.calls.values()) <= 16


def test_a_wrong_key_is_in_no_message(tmp_path: Path) -> None:
    with Server(keys=("right",)) as server, pytest.raises(EndpointError) as caught:
        ask(server.url, tmp_path, 1, key="planted-secret")
    assert "planted-secret" not in str(caught.value)
    assert "planted-secret" not in repr(Endpoint(server.url, key="planted-secret"))


def test_an_endpoint_that_is_not_there_ends_the_run_and_quarantines_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "BREAKER_S", 0.3)
    with Server() as server:
        url = server.url
    seen = []
    replies = Dispatcher(Endpoint(url, attempts=50), Journal(tmp_path)).ask_all(
        Call(n, question("q")) for n in range(100)
    )
    with pytest.raises(EndpointError, match="has not answered for"):
        seen.extend(replies)
    assert seen == []


def test_what_was_answered_before_a_fatal_answer_is_handed_out(tmp_path: Path) -> None:
    seen = []
    with Server(lambda asked, _attempt: "401" if asked == "q20" else None) as server:
        calls = (Call(place, question(f"q{place}")) for place in range(40))
        with pytest.raises(EndpointError):
            seen.extend(Dispatcher(Endpoint(server.url, concurrency=1), Journal(tmp_path)).ask_all(calls))
    assert {reply.place for reply in seen} >= set(range(19))


def test_an_answer_in_the_journal_is_not_asked_for_again(tmp_path: Path) -> None:
    with Server() as server:
        ask(server.url, tmp_path, 10)
        replies = ask(server.url, tmp_path, 12)
    assert [reply.replayed for reply in replies] == [True] * 10 + [False] * 2
    assert [text(reply) for reply in replies] == [f"answer to q{place}" for place in range(12)]
    assert set(server.calls.values()) == {1}


def test_stopping_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    with Server(latency_s=0.05) as server:
        replies = Dispatcher(Endpoint(server.url, concurrency=4), Journal(tmp_path)).ask_all(
            Call(place, question(f"q{place}")) for place in range(1000)
        )
        next(replies)
        replies.close()
        time.sleep(0.1)
        assert server.at_once == 0
    assert sum(server.calls.values()) < 30


def test_one_of_requests_per_minute_spreads_them(tmp_path: Path) -> None:
    with Server() as server:
        started = time.monotonic()
        ask(server.url, tmp_path, 12, requests_per_minute=600)  # 0.1 s apart, but for the first 60 of a minute
        burst = time.monotonic() - started
        ask(server.url, tmp_path / "more", 70, requests_per_minute=600)
    assert burst < 1.0
    assert time.monotonic() - started - burst >= 0.8


KILLED = """
    import sys
    from pathlib import Path
    from mercap.dispatch.dispatcher import Call, Dispatcher, Endpoint
    from mercap.dispatch.journal import Journal
    from tests.endpoint import question

    calls = (Call(place, question(f"q{place}")) for place in range(120))
    for reply in Dispatcher(Endpoint(sys.argv[1], concurrency=4), Journal(Path(sys.argv[2]))).ask_all(calls):
        pass
"""


def test_after_a_kill_only_what_was_under_way_is_asked_again(tmp_path: Path) -> None:
    kills = 3
    with Server(latency_s=0.02) as server:
        for number in range(kills):
            command = [sys.executable, "-c", textwrap.dedent(KILLED), server.url, str(tmp_path)]
            process = subprocess.Popen(command, cwd=ROOT)
            while sum(server.answered.values()) < 25 * (number + 1) and process.poll() is None:
                time.sleep(0.005)
            assert process.poll() is None
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        replies = ask(server.url, tmp_path, 120)
    assert [text(reply) for reply in replies] == [f"answer to q{place}" for place in range(120)]
    assert 120 <= sum(server.calls.values()) <= 120 + 4 * kills
