"""What the scoring rules make of the same answers: published 2025 and 2026 beside corrected, and constant answers.

    python -m benchmarks.protocols --reference FOLDER [--json]

FOLDER as in `benchmarks.unibench`. For each set the score of the best checkpoint under each protocol, with its
checkpoint and the 95 % interval, and the best constant answer. The figures of docs/unibench.md are these.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.unibench import SETS, gold_file
from mercap.unibench.files import read_answers, read_gold
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.scoring import Result, Setting, score_answers
from mercap.vocabulary.kept import load_groups

# Each published protocol with the tables of its year; the corrected one with the newer ones.
TABLES = {Protocol.PUBLISHED_2025: "2025", Protocol.PUBLISHED_2026: "2026", Protocol.CORRECTED: "2026"}


def measure(reference: Path) -> list[dict[str, Any]]:
    rows = []
    for name, task in {**SETS, "ovmerdplus": Task.OV}.items():
        gold = read_gold(gold_file(reference, name), task)
        answers = read_answers(reference / "affectgpt_outputs" / f"{name}.jsonl.gz", task)
        for protocol, year in TABLES.items():
            corrected = protocol.corrected
            groups = (
                None if task is Task.SENTIMENT
                else load_groups(reference / f"emotion_wheel_{year}", corrected=corrected)
            )  # fmt: skip
            rows.append(
                {
                    "set": name,
                    "protocol": str(protocol),
                    **best_of(score_answers(Setting(task, protocol), gold, answers, groups)),
                }
            )
    return rows


def best_of(result: Result) -> dict[str, Any]:
    """The best checkpoint, the spread of all, and the best constant answer."""
    epoch, score = result.best(), result.primary
    assert epoch is not None
    best, every = result.scored[epoch], result.primary_scores().values()
    constant = max(result.constants, key=lambda name: float(result.constants[name][score]))
    counted = best.scores["n_scored" if "n_scored" in best.scores else "n_scored_per_wheel"]
    return {
        "score": score, "epoch": epoch, "value": float(best.scores[score]), "interval": best.intervals[score],
        "lowest": min(every), "precision": float(best.scores["precision"]) if "precision" in best.scores else None,
        "clips": int(np.ravel(counted)[0]),
        "constant": constant, "constant_value": float(result.constants[constant][score]),
        "six": float(result.constants.get("always six basic emotions", {}).get(score, float("nan"))),
    }  # fmt: skip


def show(rows: list[dict[str, Any]]) -> None:
    print(
        "| set | protocol | score | best checkpoint | 95 % interval | worst checkpoint | clips | best constant answer |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        low, high = row["interval"]
        print(
            f"| {row['set']} | {row['protocol']} | {row['score']} | {100 * row['value']:.2f} ({row['epoch']}) "
            f"| {100 * low:.1f} to {100 * high:.1f} | {100 * row['lowest']:.2f} | {row['clips']} "
            f"| {100 * row['constant_value']:.1f} ({row['constant'].removeprefix('always ')}) |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure(arguments.reference)
    if arguments.json:
        print(json.dumps(rows))
    else:
        show(rows)


if __name__ == "__main__":
    main()
