"""`mercap unibench` and `mercap vocabulary` as a shell sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lab import ROOT
from tests.official_tables import write_tables

GOLD = "name,label\na,happy\nb,sad\nc,neutral\nd,angry\n"
ANSWERS = {"a": "[glee, happy]", "b": "[lonely]", "c": "[happy]", "d": "[sad, table]"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tables(tmp_path / "tables")
    (tmp_path / "gold.csv").write_text(GOLD)
    predictions(tmp_path / "ours.jsonl", ANSWERS)
    return tmp_path


def predictions(path: Path, answers: dict[str, str], **more: Any) -> Path:
    rows = [{"name": name, "openset": labels, **more} for name, labels in answers.items()]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def mercap(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def score(folder: Path, *arguments: object, task: str = "discrete") -> subprocess.CompletedProcess[str]:
    files = ("--gold", folder / "gold.csv", "--predictions", folder / "ours.jsonl", "--tables", folder / "tables")
    return mercap("unibench", "score", "--task", task, *files, *arguments)


def test_the_json_has_the_fields_that_scripts_rely_on(folder: Path) -> None:
    done = score(folder, "--json", "--resamples", 100)
    body = json.loads(done.stdout)
    assert (body["task"], body["protocol"], body["n_gold"]) == ("discrete", "published-2025", 4)
    found = body["scores"]["all"]
    assert found["n_scored_per_wheel"] == [3] * 5
    # "glee" also stands for furious, the first of its wheel words: a's answer is mad and happy. d is missed.
    assert found["per_wheel"] == pytest.approx([2 / 3] * 5)
    assert found["hit_rate"] == pytest.approx(2 / 3)
    assert found["intervals"]["hit_rate"][0] <= found["hit_rate"] <= found["intervals"]["hit_rate"][1]
    assert body["dropped_per_wheel"][0] == {"neutral": 1}
    assert found["answers"]["known_tokens"] == pytest.approx(1.0)
    assert set(body["baselines"]) >= {"always six basic emotions", "always neutral"}


def test_the_corrected_protocol_counts_the_neutral_clip(folder: Path) -> None:
    body = json.loads(score(folder, "--json", "--protocol", "corrected").stdout)
    assert body["scores"]["all"]["n_scored_per_wheel"] == [4] * 5
    assert {"hit_rate", "precision", "f"} <= set(body["scores"]["all"])


def test_every_epoch_has_a_score_of_its_own(folder: Path) -> None:
    text = predictions(folder / "one.jsonl", ANSWERS, epoch=30).read_text()
    text += predictions(folder / "two.jsonl", dict.fromkeys(ANSWERS, "happy"), epoch=40).read_text()
    (folder / "ours.jsonl").write_text(text)
    body = json.loads(score(folder, "--json").stdout)
    assert list(body["scores"]) == ["30", "40"]
    assert body["best"] == "30"


def test_a_zero_division_of_the_2025_rule_is_null_in_json(folder: Path) -> None:
    (folder / "gold.csv").write_text("name,openset\na,happy\n")
    predictions(folder / "ours.jsonl", {"a": "[sad]"})
    body = json.loads(score(folder, "--json", task="ov").stdout)
    assert body["scores"]["all"]["f"] is None
    assert body["scores"]["all"]["precision"] == 0.0


def test_sentiment_needs_no_tables(folder: Path) -> None:
    (folder / "gold.csv").write_text("name,label\na,1\nb,-1\nc,0\n")
    path = folder / "s.csv"
    path.write_text("name,sentiment\na,positive\nb,mixed\nc,positive\n")
    done = mercap(
        "unibench", "score", "--task", "sentiment", "--gold", folder / "gold.csv", "--predictions", path, "--json"
    )
    found = json.loads(done.stdout)["scores"]["all"]
    assert (found["acc"], found["n_scored"], found["unparsable"]) == (1.0, 2, 1)


def test_the_table_for_people_holds_scores_and_constant_answers(folder: Path) -> None:
    done = score(folder, "--against", predictions(folder / "theirs.jsonl", dict.fromkeys(ANSWERS, "mad")))
    assert done.returncode == 0
    assert done.stderr == ""
    for text in ("66.67", "always six basic emotions", "its only gold label is neutral", "p = "):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("gold.csv", "name,emotion\na,sad\n"), "there is no label; it has name, emotion"),
        (("gold.csv", "name,label\na,sad\na,sad\n"), "'a' comes twice"),
        (("ours.jsonl", '{"name": "a", "openset": "sad"}\n'), "no prediction for 3 ('b', 'c', 'd') of 4 gold clips"),
        (("ours.jsonl", '{"name": "a", "openset": NaN}\n'), "the openset of 'a' is nan"),
        (("tables/synonym.xlsx", "no spreadsheet"), "synonym.xlsx cannot be read as a spreadsheet"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_code_2(folder: Path, change: tuple[str, str], sentence: str) -> None:
    (folder / change[0]).write_text(change[1])
    done = score(folder)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("mercap: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_word_is_explained(folder: Path) -> None:
    done = mercap("vocabulary", "explain", "joy", "--tables", folder / "tables")
    assert "joy is known as a form of joyful, joyless" in done.stdout
    assert "opposite of joyless" in done.stdout
    body = json.loads(mercap("vocabulary", "explain", "joy", "--tables", folder / "tables", "--json").stdout)
    assert body["steps"][0] == {
        "wheel": 1, "level": 1, "group": "sad", "tied": True,
        "candidates": [["abandoned", "sad"], ["joyful", "happy"]],
    }  # fmt: skip


def test_responses_are_extracted_into_a_file_that_can_be_scored(folder: Path) -> None:
    rows = [{"name": name, "response": f"The emotional state is {labels[1:-1]}."} for name, labels in ANSWERS.items()]
    (folder / "raw.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = mercap("unibench", "extract", folder / "raw.jsonl", "--out", folder / "ours.jsonl", "--extractor", "plain")
    assert "4 answers" not in done.stderr
    assert done.returncode == 0
    assert json.loads(score(folder, "--json").stdout)["scores"]["all"]["hit_rate"] == pytest.approx(2 / 3)


def test_an_official_archive_is_converted_into_a_file_that_can_be_scored(folder: Path) -> None:
    np.savez(folder / "checkpoint_000030_loss_1.npz", filenames=list(ANSWERS), fileitems=list(ANSWERS.values()))
    made = folder / "checkpoint_000030_loss_1.npz"
    done = mercap("unibench", "convert", made, "--out", folder / "ours.jsonl", "--field", "openset")
    assert done.returncode == 0, done.stderr
    found = json.loads(score(folder, "--json").stdout)["scores"]
    assert found["30"]["hit_rate"] == pytest.approx(2 / 3)


def test_a_hostile_archive_is_one_sentence_and_runs_nothing(folder: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {folder / 'canary'}",)

    np.savez(folder / "x.npz", name2reason=np.array({"a": Hostile()}, dtype=object))
    done = mercap("unibench", "convert", folder / "x.npz", "--out", folder / "y.jsonl", "--field", "openset")
    assert done.returncode == 2
    assert "system, which is not data; nothing of it was run" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "canary").exists()
    assert not (folder / "y.jsonl").exists()
