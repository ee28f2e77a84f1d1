"""The published protocols give the scores of the released scoring functions, for all reference predictions.

Cases are drawn from the file of expected scores: what is in it is tested, nothing is written out here.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mercap.unibench.files import Answers, read_gold
from mercap.unibench.labels import parse_labels
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.score import groups_for, result_json, score_files
from mercap.unibench.scoring import Setting, score_answers
from tests.lab import ROOT

REFERENCE = ROOT.parent / "shared" / "reference"
EXPECTED = REFERENCE / "parity" / "expected_scores.json"
TOLERANCE = 1e-12
# What the file of expected scores calls otherwise, or also holds: mscore is computed and ignored by the released code.
RENAMED = {"per_wheel_f": "per_wheel"}
LEFT_OUT = {"mscore"}


def expected(task: str) -> dict[str, Any]:
    """One task of the expected scores; nothing where the reference data is absent (the tests then skip)."""
    return json.loads(EXPECTED.read_text())[task] if EXPECTED.exists() else {}


def cases(task: str) -> list[tuple[str, str]]:
    """(data set, epoch) of a task, or one case that skips."""
    return [(name, epoch) for name, epochs in expected(task).items() for epoch in epochs] or [("absent", "absent")]


def assert_equal_scores(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert wanted.keys() - LEFT_OUT, "nothing to compare"
    for name, value in wanted.items():
        if name not in LEFT_OUT:
            assert found[RENAMED.get(name, name)] == pytest.approx(value, rel=0, abs=TOLERANCE), name


@cache
def scored(task: Task, name: str, year: str, level: int) -> dict[str, Any]:
    golds = {"ovmerdplus": REFERENCE / "mer2024_ov_store" / "check-openset.csv"}
    gold = golds.get(name, REFERENCE / "gold_test_labels" / f"{name}.csv")
    setting = Setting(task, Protocol(f"published-{year}"), level, resamples=0)
    tables = REFERENCE / f"emotion_wheel_{year}"
    result = score_files(setting, gold, REFERENCE / "affectgpt_outputs" / f"{name}.jsonl.gz", tables)
    found: dict[str, Any] = result_json(result, groups_for(setting, tables))["scores"]
    return found


@pytest.mark.parametrize("year", ["2025", "2026"])
@pytest.mark.parametrize(("name", "epoch"), cases("discrete"))
def test_hit_rates_are_the_published_ones(reference: Path, name: str, epoch: str, year: str) -> None:
    wanted = expected("discrete")[name][epoch]
    found = scored(Task.DISCRETE, name, year, 1)[epoch]
    assert_equal_scores(found, wanted[year])
    assert found["n_scored_per_wheel"] == wanted["n_scored_per_wheel"]


@pytest.mark.parametrize(("name", "epoch"), cases("dimension"))
def test_sentiment_scores_are_the_published_ones(reference: Path, name: str, epoch: str) -> None:
    assert_equal_scores(scored(Task.SENTIMENT, name, "2025", 1)[epoch], expected("dimension")[name][epoch])


@pytest.mark.parametrize("epoch", list(expected("ov_332_subset")) or ["absent"])
def test_open_vocabulary_scores_are_the_published_ones(reference: Path, epoch: str) -> None:
    for setting, wanted in expected("ov_332_subset")[epoch].items():
        year, level = setting.split("_level")
        assert_equal_scores(scored(Task.OV, "ovmerdplus", year, int(level))[epoch], wanted)


@cache
def other_models() -> dict[str, Answers]:
    """Answers of five models in three variants, by model/variant."""
    path = REFERENCE / "ovmer_mllm_outputs" / "ovmerd332_5mllms_3variants.jsonl.gz"
    found: dict[str, Answers] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            found.setdefault(f"{row['model']}/{row['variant']}", {})[row["name"]] = parse_labels(row["openset"])
    return found


@pytest.mark.parametrize("model", list(expected("ovmer_mllms")) or ["absent"])
def test_scores_of_other_models_are_the_published_ones(reference: Path, model: str) -> None:
    gold = read_gold(REFERENCE / "mer2024_ov_store" / "check-openset.csv", Task.OV)
    for name, wanted in expected("ovmer_mllms")[model].items():
        year, level = name.split("_level")
        setting = Setting(Task.OV, Protocol(f"published-{year}"), int(level), resamples=0)
        groups = groups_for(setting, REFERENCE / f"emotion_wheel_{year}")
        result = score_answers(setting, gold, {"all": other_models()[model]}, groups)
        assert_equal_scores(result_json(result, groups)["scores"]["all"], wanted)
