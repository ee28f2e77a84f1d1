from __future__ import annotations

import json
from pathlib import Path

import pytest

from mercap.errors import StoreError, UsageError
from storage.answers import AnswerFile


def row(clip: str, name: str = "", response: str = "sad") -> dict[str, str]:
    return {"name": name or clip, "clip": clip, "response": response}


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_answers_are_kept_with_what_made_them(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "deep" / "a.jsonl", "me")
    file.write([row("1", "a"), row("1", "b", "难过")])
    assert lines(file.path) == [{**row("1", "a"), "by": "me"}, {**row("1", "b", "难过"), "by": "me"}]
    assert file.names == {"a", "b"}


def test_a_file_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    AnswerFile(path, "me").write([row("1")])
    again = AnswerFile(path, "me")
    assert again.names == {"1"}
    again.write([row("2")])
    assert [one["clip"] for one in lines(path)] == ["1", "2"]


@pytest.mark.parametrize("left", [1, 20])
def test_a_line_that_was_cut_off_is_dropped_and_asked_again(tmp_path: Path, left: int) -> None:
    path = tmp_path / "a.jsonl"
    AnswerFile(path, "me").write([row("1")])
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:left])
    again = AnswerFile(path, "me")
    assert again.names == {"1"}
    assert path.read_bytes() == whole


def test_a_cut_line_that_happens_to_be_whole_json_is_dropped_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    AnswerFile(path, "me").write([row("1")])
    path.write_bytes(path.read_bytes()[:-1])
    assert AnswerFile(path, "me").names == set()


def test_answers_of_another_model_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    AnswerFile(path, "me").write([row("1")])
    with pytest.raises(UsageError, match="another model, or asked another way; give another file with --out"):
        AnswerFile(path, "you")


def test_a_line_that_is_no_answer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    AnswerFile(path, "me").write([row("1")])
    with path.open("a") as file:
        file.write("[]\n")
    with pytest.raises(StoreError, match="line 2, is not an answer"):
        AnswerFile(path, "me")
