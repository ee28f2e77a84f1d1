from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.unibench_report import named_folders, report
from mercap.errors import UsageError
from tests.mercap.unibench.tiny import write_gold, write_system
from tests.official_tables import write_tables


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_gold(tmp_path / "gold")
    write_system(tmp_path / "mine")
    write_tables(tmp_path / "tables")
    return tmp_path


def run(folder: Path, *predictions: str, as_json: bool = False) -> None:
    report(folder / "gold", list(predictions), folder / "out", folder / "tables", resamples=20, as_json=as_json)


def test_the_leaderboard_is_printed_with_both_our_scores_and_the_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, str(folder / "mine"))
    out = capsys.readouterr().out
    for text in ("protocol score", "one-checkpoint", "AffectGPT paper, Table 2", "third party", "always happy"):
        assert text in out
    assert str(folder / "out" / "report.html") in out


def test_a_name_cannot_move_the_cursor_or_style_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, f"[red]\x1b[2Jx[/red]={folder / 'mine'}")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[red]" in out


def test_the_json_is_one_object_with_the_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, f"mine={folder / 'mine'}", as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert body["results"]["mer_unibench_mer2023"]["hit_rate,none"] == 1.0
    assert str(folder / "out" / "samples.jsonl") in body["files"]


def test_a_folder_is_called_by_its_name_unless_it_is_given_one(tmp_path: Path) -> None:
    odd = tmp_path / "a=b"
    odd.mkdir()
    found = named_folders(["runs/mine", "Mine=runs/mine", str(odd), "x=y=z"])
    assert found == {"mine": Path("runs/mine"), "Mine": Path("runs/mine"), "a=b": odd, "x": Path("y=z")}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [(["a=one", "a=two"], "Two systems are called 'a'"), (["=one"], "names no system"), (["/"], "names no system")],
)
def test_names_that_cannot_be_right_are_one_sentence(given: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        named_folders(given)
