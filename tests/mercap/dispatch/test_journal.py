"""The journal: what was answered is there for whoever asks the same again, whatever a kill left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.dispatch.journal import Entry, Journal, read_journal, request_key


def entry(key: str, text: str = "yes") -> Entry:
    return Entry(key, {"choices": [{"message": {"content": text}}]}, 0.5, 1)


def test_an_answer_is_there_at_once_and_for_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(20):
        journal.record(entry(f"k{number}", "x" * number))
    assert journal.answer("k7") == entry("k7", "x" * 7)
    journal.close()
    again = Journal(tmp_path)
    assert len(again) == 20
    assert [again.answer(f"k{number}") for number in range(20)] == [
        entry(f"k{number}", "x" * number) for number in range(20)
    ]


def test_what_was_never_asked_has_no_answer(tmp_path: Path) -> None:
    assert Journal(tmp_path / "new").answer("k") is None


def test_two_processes_write_to_files_of_their_own(tmp_path: Path) -> None:
    one, other = Journal(tmp_path), Journal(tmp_path)
    one.record(entry("a"))
    other.record(entry("b"))
    assert len(list(tmp_path.iterdir())) == 2
    assert {found.key for found in read_journal(tmp_path)} == {"a", "b"}


@pytest.mark.parametrize("keep", [0, 1, 20, -2])
def test_a_torn_last_line_is_ignored_and_hides_nothing(tmp_path: Path, keep: int) -> None:
    journal = Journal(tmp_path)
    journal.record(entry("a"))
    first = next(tmp_path.iterdir()).stat().st_size
    journal.record(entry("b"))
    journal.close()
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[: first + keep if keep >= 0 else keep])
    again = Journal(tmp_path)
    assert again.answer("a") == entry("a")
    assert again.answer("b") is None


def test_a_line_of_something_else_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('[]\n{"key": 1}\n{"key": "a", "body": 3, "latency_s": 0, "attempts": 1}\n\n')
    assert list(read_journal(tmp_path)) == []


@given(st.text())
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    journal.record(entry("k", text))
    assert journal.answer("k") == entry("k", text)
    journal.close()


def test_only_the_owner_may_read_what_models_said(tmp_path: Path) -> None:
    Journal(tmp_path).record(entry("a"))
    assert next(tmp_path.iterdir()).stat().st_mode & 0o077 == 0


def test_the_key_tells_requests_apart_and_not_the_order_of_their_fields() -> None:
    assert request_key("u", {"a": 1, "b": 2}) == request_key("u", {"b": 2, "a": 1})
    keys = {request_key("u", {"a": 1}), request_key("u", {"a": 2}), request_key("v", {"a": 1})}
    assert len(keys | {request_key("u", {"a": 1}, attempt=1)}) == 4
