"""The whole suite: systems scored on whatever sets of MER-UniBench the gold folder and the predictions allow.

A system is a folder of predictions named after the sets (`mercap.unibench.datasets`): ``mer2023.jsonl``, ``.jsonl.gz``,
``.csv`` or ``.parquet``. Every set with gold and predictions is scored, and the others are listed with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mercap.errors import UsageError
from mercap.unibench.datasets import DATASETS, Dataset, find_gold, load_gold
from mercap.unibench.protocols import Task
from mercap.unibench.score import groups_for
from mercap.unibench.systems import Comparison, Rules, System, compare_systems, score_system
from mercap.vocabulary.groups import Groups

KINDS = (".jsonl", ".jsonl.gz", ".csv", ".parquet")


@dataclass(frozen=True)
class Suite:
    """Systems in the order in which they were given; the later ones are compared with the first."""

    rules: Rules
    systems: list[System]
    comparisons: list[Comparison]
    groups: Groups | None = field(repr=False)

    @property
    def datasets(self) -> list[Dataset]:
        """The sets that at least one system was scored on, in the paper's order."""
        return [one for name, one in DATASETS.items() if any(name in system.sets for system in self.systems)]


def score_folder(
    gold: Path, systems: Mapping[str, Path], tables: Path | None = None, rules: Rules | None = None
) -> Suite:
    """Score every system (name -> folder) on every set that has gold and predictions.

    ``tables`` is needed unless all of these are sentiment sets. Raises UsageError where no set has both gold and
    predictions, and wherever a file cannot be right.
    """
    rules = rules or Rules()
    files = {name: prediction_files(folder) for name, folder in systems.items()}
    predicted = {name for found in files.values() for name in found}
    used = [one for name, one in DATASETS.items() if name in predicted and _has_gold(one, gold)]
    if not used:
        folders = ", ".join(map(str, systems.values()))
        raise UsageError(f"No set of MER-UniBench has both gold in {gold} and predictions in {folders}.")
    needy = next((one.task for one in used if one.task is not Task.SENTIMENT), None)
    groups = groups_for(rules.setting(needy), tables) if needy else None
    golds = {one.name: load_gold(one, gold) for one in used}
    scored = [score_system(rules, name, folder, files[name], golds, groups) for name, folder in systems.items()]
    return Suite(rules, scored, compare_systems(rules, scored, groups), groups)


def prediction_files(folder: Path) -> dict[str, Path]:
    """The file of each set under ``folder``. Raises UsageError for two files of one set."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give one that holds predictions such as mer2023.jsonl.")
    found = {}
    for name in DATASETS:
        here = [path for kind in KINDS if (path := folder / f"{name}{kind}").is_file()]
        if len(here) > 1:
            raise UsageError(f"{folder} has {' and '.join(path.name for path in here)}; leave one of them.")
        if here:
            found[name] = here[0]
    return found


def _has_gold(dataset: Dataset, folder: Path) -> bool:
    try:
        find_gold(dataset, folder)
    except UsageError:  # it raises for nothing else
        return False
    return True
