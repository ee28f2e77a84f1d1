"""A suite small enough to score by hand: three sets, two systems, three checkpoints."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from mercap.unibench.suite import Suite, score_folder
from mercap.unibench.systems import Rules
from tests.official_tables import write_tables

EMOTIONS = {"a": "happy", "b": "sad", "c": "neutral", "d": "angry"}
FEELINGS = {"v_1": 1.0, "v_2": -0.4, "v_3": 0.0, "w_1": 2.0}
OPEN = {"x": "['happy', 'lonely']", "y": "['angry']", "z": "[]"}

# Of a, b and d (neutral is not scored) checkpoint 1 hits none, 2 hits two, 3 all.
EMOTION_ANSWERS = {
    1: {"a": "[sad]", "b": "[happy]", "c": "[sad]", "d": "[sad]"},
    2: {"a": "[happy]", "b": "[lonely, tables]", "c": "[]", "d": "[sad]"},
    3: {"a": "[happiness]", "b": "[sad]", "c": "[sad]", "d": "[anger]"},
}
# Of v_1, v_2 and w_1 checkpoint 1 tells all, 2 two, 3 none.
FEELING_ANSWERS = {
    1: {"v_1": "positive", "v_2": "negative", "v_3": "positive", "w_1": "positive"},
    2: {"v_1": "positive", "v_2": "mixed", "v_3": "neutral", "w_1": "negative"},
    3: {"v_1": "negative", "v_2": "positive", "v_3": "neutral", "w_1": "negative"},
}
OPEN_ANSWERS = {
    1: {"x": "[happy]", "y": "[sad]", "z": "[happy]"},
    2: {"x": "[happy, sad]", "y": "[mad]", "z": "[]"},
    3: {"x": "[angry]", "y": "[mad]", "z": "[]"},
}

Answers = Mapping[int | str | None, Mapping[str, str]]


def write_gold(folder: Path) -> Path:
    """Gold of mer2023, cmumosi and ovmerdplus, of a few clips each."""
    folder.mkdir(parents=True, exist_ok=True)
    _csv(folder / "mer2023.csv", "label", EMOTIONS)
    _csv(folder / "cmumosi.csv", "label", {name: str(value) for name, value in FEELINGS.items()})
    _csv(folder / "ovmerdplus.csv", "openset", OPEN)
    return folder


def _csv(path: Path, column: str, rows: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", column])
        writer.writerows(rows.items())


def write_answers(path: Path, answers: Answers, response: str | None = "The person seems so.") -> Path:
    """Predictions as JSON lines; an epoch of ``None`` is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    column = "sentiment" if path.name.startswith("cmumosi") else "openset"
    rows = [
        {"name": name, column: answer}
        | ({} if epoch is None else {"epoch": epoch})
        | ({} if response is None else {"response": response})
        for epoch, by_name in answers.items()
        for name, answer in by_name.items()
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def write_system(folder: Path) -> Path:
    """Three checkpoints on all three sets."""
    write_answers(folder / "mer2023.jsonl", EMOTION_ANSWERS)
    write_answers(folder / "cmumosi.jsonl", FEELING_ANSWERS)
    write_answers(folder / "ovmerdplus.jsonl", OPEN_ANSWERS)
    return folder


def make_suite(folder: Path, *names: str, rules: Rules | None = None) -> Suite:
    """Systems called ``names`` that all answer alike, but the later ones with one checkpoint, on one set."""
    systems = {}
    for place, name in enumerate(names or ("ours",)):
        systems[name] = folder / f"system{place}"
        if place == 0:
            write_system(systems[name])
        else:
            write_answers(systems[name] / "mer2023.jsonl", {None: EMOTION_ANSWERS[1]}, response=None)
    tables = write_tables(folder / "tables")
    return score_folder(write_gold(folder / "gold"), systems, tables, rules or Rules(resamples=200))
