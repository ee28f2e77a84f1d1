"""How fast MER-UniBench's scorer is, on the reference predictions. Exits with 1 where a bound is missed.

    python -m benchmarks.unibench --reference FOLDER [--json]

FOLDER holds ``affectgpt_outputs``, ``gold_test_labels``, ``mer2024_ov_store``, ``ovmer_mllm_outputs``,
``emotion_wheel_2025`` and ``emotion_wheel_2026``: released predictions and gold labels, not ours to give away.
Everything is scored from files in this one process: seven checkpoints of three kinds of data sets and the 15 sets of
other models, with both tables and, for the open vocabulary, both levels. Interpreter and imports are not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from mercap.unibench.files import Gold, read_answers, read_gold
from mercap.unibench.intervals import intervals
from mercap.unibench.labels import parse_labels
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.rows import read_columns
from mercap.unibench.score import result_json
from mercap.unibench.scoring import Setting, score_answers
from mercap.vocabulary.kept import load_groups

BOUNDS = {"tables_kept_s": 0.2, "scoring_s": 2.0, "meld_intervals_s": 2.0, "meld_intervals_unclustered_s": 2.0}
YEARS = ("2025", "2026")
SETS = {"mer2023": Task.DISCRETE, "meld": Task.DISCRETE, "cmumosi": Task.SENTIMENT, "sims": Task.SENTIMENT}
OTHERS = "ovmer_mllm_outputs/ovmerd332_5mllms_3variants.jsonl.gz"
REPEATS = 3


def settings(task: Task) -> Iterator[tuple[str, Setting]]:
    """(year of the tables, setting) of everything that is published of a task."""
    for year in YEARS if task is not Task.SENTIMENT else YEARS[:1]:
        for level in (1, 2) if task is Task.OV else (1,):
            yield year, Setting(task, Protocol(f"published-{year}"), level, resamples=0)


def score_everything(reference: Path) -> int:
    """Read and score all files; answers scored, counted once per setting."""
    scored = 0
    for name, task in {**SETS, "ovmerdplus": Task.OV}.items():
        gold = read_gold(gold_file(reference, name), task)
        answers = read_answers(reference / "affectgpt_outputs" / f"{name}.jsonl.gz", task)
        scored += score_all(reference, gold, answers)
    gold = read_gold(gold_file(reference, "ovmerdplus"), Task.OV)
    return scored + score_all(reference, gold, other_models(reference))


def score_all(reference: Path, gold: Gold, answers: dict[str, Any]) -> int:
    scored = 0
    for year, setting in settings(gold.task):
        groups = None if gold.task is Task.SENTIMENT else load_groups(reference / f"emotion_wheel_{year}")
        result_json(score_answers(setting, gold, answers, groups), groups)
        scored += len(answers) * len(gold.names)
    return scored


def other_models(reference: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, labels, variant in rows_of_others(reference / OTHERS):
        found.setdefault(variant, {})[name] = parse_labels(labels)
    return found


def rows_of_others(path: Path) -> Iterator[tuple[str, str, str]]:
    models = [model for _, model, _ in read_columns(path, ("name", "model"))]
    rows = read_columns(path, ("name", "openset"), optional="variant")
    for model, (name, labels, variant) in zip(models, rows, strict=True):
        yield name, labels, f"{model}/{variant}"


def gold_file(reference: Path, name: str) -> Path:
    if name == "ovmerdplus":
        return reference / "mer2024_ov_store" / "check-openset.csv"
    return reference / "gold_test_labels" / f"{name}.csv"


def load_tables(reference: Path) -> None:
    load_groups.cache_clear()
    for year in YEARS:
        for corrected in (False, True):
            load_groups(reference / f"emotion_wheel_{year}", corrected=corrected)


def timed(work: Any, *arguments: Any) -> tuple[float, Any]:
    """The median time of some runs, and the answer."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        answer = work(*arguments)
        times.append(time.perf_counter() - started)
    return sorted(times)[REPEATS // 2], answer


def one_meld_run(reference: Path) -> Any:
    gold = read_gold(gold_file(reference, "meld"), Task.DISCRETE)
    answers = read_answers(reference / "affectgpt_outputs" / "meld.jsonl.gz", Task.DISCRETE)
    setting = Setting(Task.DISCRETE, resamples=0)
    result = score_answers(setting, gold, answers, load_groups(reference / "emotion_wheel_2025"))
    return result.gold.names, next(iter(result.scored.values())).evidence, setting.metric.score


def measure(reference: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", {"XDG_CACHE_HOME": cache}):
        load_groups.cache_clear()
        started = time.perf_counter()
        load_tables(reference)
        first_s = time.perf_counter() - started
        kept_s, _ = timed(load_tables, reference)
        scoring_s, scored = timed(score_everything, reference)
        names, evidence, score = one_meld_run(reference)
        intervals_s, _ = timed(lambda: intervals(evidence, names, score))
        alone = [f"clip{number}" for number in range(len(names))]
        unclustered_s, _ = timed(lambda: intervals(evidence, alone, score))
    return {
        "tables_first_s": first_s, "tables_kept_s": kept_s, "scoring_s": scoring_s, "answers": scored,
        "answers_per_s": scored / scoring_s,
        "meld_intervals_s": intervals_s, "meld_intervals_unclustered_s": unclustered_s,
        "bounds": BOUNDS,
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    for name, about in (
        ("tables_first_s", "four resolved tables (2025, 2026, each as published and corrected), made"),
        ("tables_kept_s", "the same from the cache"),
        ("scoring_s", f"everything scored from files, {found['answers']:,} answers (clips x checkpoints x settings)"),
        ("meld_intervals_s", "10,000 resamples of one MELD run, by dialogue"),
        ("meld_intervals_unclustered_s", "the same by clip"),
    ):
        bound = found["bounds"].get(name)
        print(f"{found[name]:8.3f} s  {about}{f' (bound {bound} s)' if bound else ''}")
    print(f"{found['answers_per_s']:,.0f} clips x checkpoints per second, files read and gold coverage included")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.reference)
    if arguments.json:
        print(json.dumps(found))
    else:
        show(found)
    return int(any(found[name] > bound for name, bound in found["bounds"].items()))


if __name__ == "__main__":
    sys.exit(main())
