from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mercap.unibench.leaderboard import leaderboard
from mercap.unibench.results_json import results_json
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite

# What lmms-eval 0.7.3 writes for every task; its viewers look these up.
KEYS = {"results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "config"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def written(folder: Path, *names: str, rules: Rules | None = None) -> dict[str, Any]:
    suite = make_suite(folder, *names, rules=rules)
    found: dict[str, Any] = json.loads(json.dumps(results_json(suite, leaderboard(suite)), allow_nan=False))
    return found


def test_the_keys_are_those_of_lmms_eval(tmp_path: Path) -> None:
    body = written(tmp_path)
    assert set(body) >= KEYS
    for key in KEYS - {"group_subtasks", "config"}:
        assert list(body[key]) == ["mer_unibench_mer2023", "mer_unibench_cmumosi", "mer_unibench_ovmerdplus"], key
    assert body["group_subtasks"] == {"mer_unibench": list(body["results"])}


def test_each_metric_has_its_value_and_its_standard_error(tmp_path: Path) -> None:
    body = written(tmp_path)
    values = body["results"]["mer_unibench_cmumosi"]
    assert values["waf,none"] == 1.0
    assert values["waf,one_checkpoint"] == pytest.approx(2 / 3)
    assert values["waf_stderr,one_checkpoint"] > 0
    assert values["alias"] == "mer_unibench_cmumosi"
    assert body["higher_is_better"]["mer_unibench_cmumosi"] == {"waf": True, "acc": True}


def test_samples_tell_the_published_and_the_scored_clips_apart(tmp_path: Path) -> None:
    assert written(tmp_path)["n-samples"]["mer_unibench_mer2023"] == {"original": 411, "effective": 4}


def test_what_is_not_known_is_written_as_lmms_eval_writes_it(tmp_path: Path) -> None:
    values = written(tmp_path, rules=Rules(resamples=0))["results"]["mer_unibench_mer2023"]
    assert values["hit_rate_stderr,none"] == "N/A"


def test_several_systems_have_tasks_of_their_own(tmp_path: Path) -> None:
    body = written(tmp_path, "ours", "theirs")
    assert "mer_unibench_mer2023@theirs" in body["results"]
    assert body["results"]["mer_unibench_mer2023@ours"]["hit_rate,none"] == 1.0
    assert [one["system"] for one in body["mercap"]["comparisons"]] == ["theirs"]


def test_our_block_holds_every_checkpoint_and_both_scores(tmp_path: Path) -> None:
    one = written(tmp_path)["mercap"]["systems"]["ours"]["sets"]["mer2023"]
    assert list(one["scores"]) == ["1", "2", "3"]
    assert (one["protocol_score"]["epoch"], one["one_checkpoint_score"]["epoch"]) == ("3", "2")
    assert one["checkpoints"]["checkpoints"] == 3
    assert one["dropped_per_wheel"][0] == {"neutral": 1}
    assert one["baselines"]["always six basic emotions"]["hit_rate"] == 1.0


def test_a_score_that_is_no_number_is_null(tmp_path: Path) -> None:
    body = written(tmp_path)
    rows = body["mercap"]["systems"]["ours"]["sets"]["ovmerdplus"]["baselines"]
    assert rows["always neutral"]["f"] is None


def test_the_same_answers_give_the_same_file(tmp_path: Path) -> None:
    assert written(tmp_path / "a") == written(tmp_path / "b")
