"""Scores and vocabulary as text for people, or as one JSON value for scripts. Nothing is computed here."""

from __future__ import annotations

import dataclasses
from typing import Any

from rich.console import Console
from rich.table import Table

from app.terminal import console, plain, print_json, table
from mercap.unibench.coverage import DROPPED
from mercap.vocabulary.explain import Explanation, Step

_COLUMNS = {
    "discrete": ("hit_rate", "precision", "f"),
    "sentiment": ("waf", "acc"),
    "ov": ("f", "precision", "recall"),
}
_TITLES = {"hit_rate": "hit rate", "waf": "WAF", "acc": "ACC", "f": "F"}


def show_scores(body: dict[str, Any], as_json: bool) -> None:
    """The answer of `unibench score`: scores in percent, the constant answers in the same table."""
    if as_json:
        print_json(body)
        return
    out = console()
    level = f", level {body['level']}" if "level" in body else ""
    clusters = body["n_clusters"]
    grouped = f", {clusters} dialogues or videos" if clusters < body["n_gold"] else ""
    out.print(plain(f"{body['task']}, {body['protocol']}{level}: {body['n_gold']} gold clips{grouped}"))
    out.print(_scores(body))
    _dropped(out, body)
    best = body["best"]
    if len(body["scores"]) > 1 and best is not None:
        out.print(plain(f"The best epoch, {best}, was chosen on this very test set: one-checkpoint scores are lower."))
    if "comparison" in body:
        _comparison(out, body["comparison"])


def _scores(body: dict[str, Any]) -> Table:
    columns = [name for name in _COLUMNS[body["task"]] if name in next(iter(body["scores"].values()))]
    wheels = "per_wheel" in next(iter(body["scores"].values()))
    titles = [_TITLES.get(name, name) for name in columns]
    right = (*titles, "wheels 1 to 5", "labels", "known")
    found = table(
        "answers", *titles, "95 % interval", *(("wheels 1 to 5", "labels", "known") if wheels else ()), right=right
    )
    for epoch, scores in body["scores"].items():
        interval = scores.get("intervals", {}).get(body["primary"])
        row = [epoch, *(_percent(scores[name]) for name in columns)]
        row.append(f"{_percent(interval[0])} to {_percent(interval[1])}" if interval else "")
        if wheels:
            answers = scores["answers"]
            row += [_wheels(scores), f"{answers['labels_per_answer']:.1f}", _percent(answers["known_tokens"])]
        found.add_row(*map(plain, row))
    for name, scores in body["baselines"].items():
        row = [name, *(_percent(scores[column]) for column in columns), ""]
        found.add_row(*map(plain, [*row, _wheels(scores), "", ""] if wheels else row), style="dim")
    return found


def _wheels(scores: dict[str, Any]) -> str:
    return " ".join(f"{_percent(one):>5}" for one in scores["per_wheel"])


def _dropped(out: Console, body: dict[str, Any]) -> None:
    """Which gold clips do not count, and why."""
    if "dropped" in body:
        if body["dropped"]:
            out.print(plain(f"Left out: {body['dropped']['neutral']} clips whose gold is 0."))
        return
    scored = next(iter(body["scores"].values()))["n_scored_per_wheel"]
    out.print(plain(f"Clips that count, wheels 1 to 5: {', '.join(map(str, scored))}. Left out:"))
    for reason, about in DROPPED.items():
        counts = [wheel.get(reason, 0) for wheel in body["dropped_per_wheel"]]
        if any(counts):
            out.print(plain(f"  {', '.join(map(str, counts))}: {about}"))


def _comparison(out: Console, found: dict[str, Any]) -> None:
    interval = found["interval"]
    spread = f" ({_percent(interval[0], True)} to {_percent(interval[1], True)})" if interval else ""
    p_value = "no p-value" if found["p_value"] is None else f"p = {found['p_value']:.4f}"
    name = _TITLES.get(found["score"], found["score"])
    out.print(
        plain(f"{name} against {found['other']}: {_percent(found['difference'], True)} points{spread}, {p_value}.")
    )


def _percent(value: float | None, signed: bool = False) -> str:
    return "-" if value is None else f"{100 * value:+.2f}" if signed else f"{100 * value:.2f}"


def show_explanation(found: Explanation, as_json: bool) -> None:
    if as_json:
        print_json(
            {**dataclasses.asdict(found), "steps": [_step(step) for step in found.steps], "verdict": found.verdict}
        )
        return
    out = console()
    out.print(plain(found.verdict))
    if found.similar:
        out.print(plain(f"Known words like it: {', '.join(found.similar)}."))
    if not found.bases:
        return
    out.print(plain(f"Wheel words, in the order in which they are tried: {', '.join(found.wheel_words) or 'none'}."))
    if found.opposites:
        out.print(plain(f"It says the opposite of {', '.join(found.opposites)}; the corrected tables leave that out."))
    steps = table("wheel", "level 1", "through", "level 2", "through", "also possible")
    for first, second in zip(found.steps[::2], found.steps[1::2], strict=True):
        others = sorted({group for _, group in first.candidates} - {first.group})
        row = [
            first.wheel,
            first.group or "-",
            _through(first),
            second.group or "-",
            _through(second),
            ", ".join(others),
        ]
        steps.add_row(*map(plain, row))
    out.print(steps)


def _through(step: Step) -> str:
    return step.candidates[0][0] if step.candidates else ""


def _step(step: Step) -> dict[str, Any]:
    return {
        "wheel": step.wheel,
        "level": step.level,
        "group": step.group,
        "tied": step.tied,
        "candidates": step.candidates,
    }
