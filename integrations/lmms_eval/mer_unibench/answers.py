"""What a model is asked, how its answer is read, and the scores of all answers: MER-UniBench for lmms-eval.

The YAML files beside this one name its functions. Parsing and scoring are mercap's own, over all clips of a dataset at
once, since hit rate, WAF and F are no means of scores per clip. lmms-eval runs the file anew for each function, by
path: it keeps no state, and it can import mercap, but nothing that lies beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mercap.unibench.extract import plain_labels
from mercap.unibench.files import ALL, Gold
from mercap.unibench.metrics import SENTIMENTS
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.score import groups_for
from mercap.unibench.scoring import Scored, Setting, score_answers

Doc = Mapping[str, Any]  # one clip: a row of `read_clips` in clips.py
Item = Mapping[str, Any]  # task, name, gold and parsed answer of one clip

# What `answer` has to name for lmms-eval to aggregate it: the metric_list of the task's YAML file.
METRICS: dict[Task, tuple[str, ...]] = {
    Task.DISCRETE: ("primary", "hit_rate", "precision", "corrected", "interval_low", "interval_high"),
    Task.SENTIMENT: ("primary", "waf", "acc", "corrected", "interval_low", "interval_high"),
    Task.OV: ("primary", "f", "precision", "recall", "corrected", "interval_low", "interval_high"),
}

LABELS_QUESTION = (
    "Judging by everything you can see and hear, which emotions does the main person in this clip feel? "
    "Answer in English with a comma-separated list of every emotion you are confident of, or with the word neutral, "
    "and with nothing else."
)
SENTIMENT_QUESTION = (
    "Judging by everything you can see and hear, is the sentiment of the main person in this clip positive, negative "
    "or neutral? Answer with one of these three words, and with nothing else."
)
_SENTIMENT_WORD = re.compile(rf"\b({'|'.join(SENTIMENTS)})\b")


def question(doc: Doc, lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:  # noqa: ARG001 - lmms-eval
    """For doc_to_text: what is said in the clip, where the dataset has subtitles, and what is asked."""
    asked = SENTIMENT_QUESTION if doc["task"] == Task.SENTIMENT else LABELS_QUESTION
    return f'The words spoken in this clip are: "{doc["said"]}"\n{asked}' if doc["said"] else asked


def target(doc: Doc) -> str:
    """For doc_to_target, which only the logs show."""
    return str(doc["gold"]) if doc["task"] == Task.SENTIMENT else ", ".join(doc["gold"])


def answer(doc: Doc, results: Sequence[str]) -> dict[str, Item]:
    """For process_results: gold and parsed answer of one clip, under the name of every metric that will need them."""
    task = Task(doc["task"])
    found: str | list[str] = sentiment(results[0]) if task is Task.SENTIMENT else list(plain_labels(results[0]))
    item = {"task": str(task), "name": doc["name"], "gold": doc["gold"], "answer": found}
    return dict.fromkeys(METRICS[task], item)


def sentiment(response: str) -> str:
    """The one sentiment a response names; empty, which counts as wrong or negative, where it names none or several."""
    found = set(_SENTIMENT_WORD.findall(response.lower()))
    return found.pop() if len(found) == 1 else ""


# Aggregations: scores as published in 2025 (`mercap unibench score` has the other protocols), except `corrected`.


def primary(items: Sequence[Item]) -> float:
    """The published primary score, hit rate, WAF or F: under one name, so that the group can average it."""
    return _score(items)


def corrected(items: Sequence[Item]) -> float:
    """The primary score of the corrected protocol: F of labels with neutral counted, or WAF of three sentiments."""
    return _score(items, protocol=Protocol.CORRECTED)


def hit_rate(items: Sequence[Item]) -> float:
    return _score(items, "hit_rate")


def precision(items: Sequence[Item]) -> float:
    return _score(items, "precision")


def recall(items: Sequence[Item]) -> float:
    return _score(items, "recall")


def f(items: Sequence[Item]) -> float:
    return _score(items, "f")


def waf(items: Sequence[Item]) -> float:
    return _score(items, "waf")


def acc(items: Sequence[Item]) -> float:
    return _score(items, "acc")


def interval_low(items: Sequence[Item]) -> float:
    """The lower end of the 95 % interval of `primary`, by bootstrap over dialogues or videos."""
    return _interval(items)[0]


def interval_high(items: Sequence[Item]) -> float:
    return _interval(items)[1]


def _score(items: Sequence[Item], name: str | None = None, protocol: Protocol = Protocol.PUBLISHED_2025) -> float:
    setting = Setting(Task(items[0]["task"]), protocol, resamples=0)
    return float(_scored(items, setting).scores[name or setting.metric.primary])


def _interval(items: Sequence[Item]) -> tuple[float, float]:
    setting = Setting(Task(items[0]["task"]), Protocol.PUBLISHED_2025)
    return _scored(items, setting).intervals[setting.metric.primary] or (math.nan, math.nan)


def _scored(items: Sequence[Item], setting: Setting) -> Scored:
    labels = {item["name"]: item["gold"] for item in items}
    if setting.task is Task.SENTIMENT:
        gold = Gold(setting.task, {}, labels)
    else:
        gold = Gold(setting.task, {name: tuple(found) for name, found in labels.items()}, {})
    answers = {item["name"]: item["answer"] for item in items}
    return score_answers(setting, gold, {ALL: answers}, groups_for(setting, None)).scored[ALL]
