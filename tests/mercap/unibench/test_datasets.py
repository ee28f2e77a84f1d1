from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mercap.errors import UsageError
from mercap.unibench.datasets import DATASETS, Dataset, check_gold, find_gold, load_gold
from mercap.unibench.files import Gold
from mercap.unibench.protocols import Task
from tests.mercap.unibench.archives import saved

KEPT = ("mer2023", "meld", "cmumosi", "sims")  # gold labels that the reference data have
HEADINGS = (
    "Task", "Split", "Clips", "Scored", "Labels", "Source", "Licence", "How to obtain", "Folder", "Overlap", "Quirks",
)  # fmt: skip
ARCHIVED = [dataset for dataset in DATASETS.values() if dataset.corpus]


def rows_as_released(dataset: Dataset) -> dict[str, dict[str, Any]]:
    """A whole split as its archive holds it: the right number of clips of each label."""
    names = [f"{dataset.prefix}clip_{number}" for number in range(dataset.clips)]
    if dataset.scale:
        low, high = dataset.scale
        step = (high - low) / (len(names) - 1)
        return {name: {"emo": 0, "val": low + number * step} for number, name in enumerate(names)}
    counts = dataset.counts or (dataset.clips - 5 * 100, *[100] * 5)
    kinds = [position for position, count in enumerate(counts) for _ in range(count)]
    emotions = kinds if dataset.integer_labels else [dataset.labels[kind] for kind in kinds]
    return {name: {"emo": emotion, "val": -10} for name, emotion in zip(names, emotions, strict=True)}


def release(folder: Path, dataset: Dataset, rows: dict[str, dict[str, Any]]) -> Path:
    (folder / dataset.folder).mkdir(exist_ok=True)
    other = {"other": {"emo": 0, "val": 0.0}}
    return saved(folder / dataset.folder / dataset.file, **{"train_corpus": other, dataset.corpus: rows})


def written(folder: Path, dataset: Dataset, rows: dict[str, str], column: str = "label") -> None:
    with (folder / f"{dataset.name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", column), *rows.items()])


@pytest.mark.parametrize("name", KEPT)
def test_real_gold_labels_are_as_the_card_says(reference: Path, name: str) -> None:
    dataset = DATASETS[name]
    gold = load_gold(dataset, reference / "gold_test_labels")
    assert gold.task is dataset.task
    assert check_gold(dataset, gold) == []
    counts = Counter(label for labels in gold.labels.values() for label in labels)
    assert counts == Counter(dict(zip(dataset.labels, dataset.counts, strict=True)))
    scored = len(gold.labels) - counts["neutral"] + sum(value != 0 for value in gold.values.values())
    assert scored == dataset.scored


def test_the_public_part_of_ovmerdplus_is_read_and_found_to_be_a_part(reference: Path, tmp_path: Path) -> None:
    dataset = DATASETS["ovmerdplus"]
    (tmp_path / dataset.folder).mkdir()
    shutil.copy(reference / "mer2024_ov_store/check-openset.csv", tmp_path / dataset.folder / dataset.file)
    gold = load_gold(dataset, tmp_path)
    assert gold.labels["sample_00000007"] == ("excited", "joyful", "happy")
    assert check_gold(dataset, gold) == ["OV-MERD+ has 532 clips, and here are 332."]


@pytest.mark.parametrize("dataset", ARCHIVED, ids=lambda dataset: dataset.name)
def test_the_layout_of_the_release_is_read(tmp_path: Path, dataset: Dataset) -> None:
    rows = rows_as_released(dataset)
    path = release(tmp_path, dataset, rows)
    assert find_gold(dataset, tmp_path) == path
    gold = load_gold(dataset, tmp_path)
    assert gold.names == list(rows)
    assert check_gold(dataset, gold) == []


def test_the_same_archive_in_a_folder_of_the_short_name_is_read(tmp_path: Path) -> None:
    dataset = DATASETS["sims"]
    release(tmp_path, dataset, {"a": {"val": 0.5}})
    (tmp_path / dataset.folder).rename(tmp_path / dataset.name)
    assert load_gold(dataset, tmp_path).values == {"a": 0.5}


def test_a_csv_of_the_short_name_comes_first(tmp_path: Path) -> None:
    dataset = DATASETS["sims"]
    release(tmp_path, dataset, {"a": {"val": 0.5}})
    written(tmp_path, dataset, {"a": "-0.2"})
    assert load_gold(dataset, tmp_path).values == {"a": -0.2}


def test_integer_labels_get_the_names_of_the_official_order(tmp_path: Path) -> None:
    meld = ["anger", "joy", "sadness", "neutral", "disgust", "fear", "surprise"]
    release(tmp_path, DATASETS["meld"], {f"c{number}": {"emo": number} for number in range(7)})
    assert load_gold(DATASETS["meld"], tmp_path).labels == {f"c{number}": (word,) for number, word in enumerate(meld)}
    iemocap = ["happy", "sad", "neutral", "anger"]
    release(tmp_path, DATASETS["iemocap"], {f"Ses05{number}": {"emo": np.int64(number)} for number in range(4)})
    assert [*load_gold(DATASETS["iemocap"], tmp_path).labels.values()] == [(word,) for word in iemocap]


def test_integer_labels_in_a_csv_get_names_too(tmp_path: Path) -> None:
    written(tmp_path, DATASETS["meld"], {"a": "3", "b": "joy"})
    assert load_gold(DATASETS["meld"], tmp_path).labels == {"a": ("neutral",), "b": ("joy",)}


def test_only_session_5_of_iemocap_counts(tmp_path: Path) -> None:
    rows = {f"Ses0{session}F_impro01_F000": {"emo": 1} for session in range(1, 6)}
    release(tmp_path, DATASETS["iemocap"], rows)
    assert load_gold(DATASETS["iemocap"], tmp_path).names == ["Ses05F_impro01_F000"]


@pytest.mark.parametrize("layout", ["release", "csv"])
def test_a_subset_is_what_is_loaded(tmp_path: Path, layout: str) -> None:
    dataset = DATASETS["mer2023"]
    rows = {"a": "happy", "b": "sad", "c": "angry"}
    if layout == "csv":
        written(tmp_path, dataset, rows)
    else:
        release(tmp_path, dataset, {name: {"emo": label} for name, label in rows.items()})
    assert load_gold(dataset, tmp_path, {"c", "a", "elsewhere"}).labels == {"a": ("happy",), "c": ("angry",)}
    with pytest.raises(UsageError, match="no gold label of a clip of the subset"):
        load_gold(dataset, tmp_path, {"elsewhere"})


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_a_folder_without_gold_labels_is_told_what_was_looked_for(tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(UsageError) as caught:
        load_gold(dataset, tmp_path)
    for words in (str(tmp_path), f"{dataset.name}.csv", f"{dataset.folder}/{dataset.file}"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "row", "words"),
    [
        ("meld", {"emo": 7}, "the label of 'Ses05' is 7; MELD has 0 to 6"),
        ("meld", {"emo": -1}, "is -1; MELD has 0 to 6"),
        ("meld", {"emo": 1.0}, "is 1.0, where MELD has words"),
        ("meld", {"emo": True}, "is True, where MELD has words"),
        ("meld", {"val": 1.0}, "'Ses05' has no emo"),
        ("iemocap", {"emo": 4}, "IEMOCAP has 0 to 3"),
        ("mer2023", {"emo": 3}, "is 3, where MER2023 has words"),
        ("mer2023", {"emo": " "}, "'Ses05' has an empty label"),
        ("sims", {"emo": 0}, "'Ses05' has no val"),
        ("sims", {"val": "0.5"}, "is '0.5', not a finite number"),
        ("sims", {"val": float("nan")}, "is nan, not a finite number"),
        ("sims", {"val": True}, "is True, not a finite number"),
    ],
)
def test_a_label_that_cannot_be_one_is_refused(tmp_path: Path, name: str, row: dict[str, Any], words: str) -> None:
    path = release(tmp_path, DATASETS[name], {"Ses05": row})
    with pytest.raises(UsageError) as caught:
        load_gold(DATASETS[name], tmp_path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    release(tmp_path, replace(DATASETS["mer2023"], corpus="val_corpus"), {"a": {"emo": "sad"}})
    with pytest.raises(UsageError, match="there is no test1_corpus"):
        load_gold(DATASETS["mer2023"], tmp_path)


def test_what_deviates_from_the_card_is_told(tmp_path: Path) -> None:
    dataset = DATASETS["meld"]
    release(tmp_path, dataset, rows_as_released(dataset))
    gold = load_gold(dataset, tmp_path)
    joyful = next(name for name, labels in gold.labels.items() if labels == ("joy",))
    assert check_gold(dataset, Gold(gold.task, gold.labels | {joyful: ("joyful",)}, {})) == [
        "MELD has anger, joy, sadness, neutral, disgust, fear, surprise, and not 'joyful' (clips with it: 1).",
        "MELD has 402 clips of joy, and here are 401.",
    ]
    del gold.labels[joyful]
    assert check_gold(dataset, gold) == [
        "MELD has 2,610 clips, and here are 2,609.",
        "MELD has 402 clips of joy, and here are 401.",
    ]


def test_a_sentiment_outside_its_scale_is_told() -> None:
    dataset = replace(DATASETS["sims"], clips=3)
    gold = Gold(Task.SENTIMENT, {}, {"a": 1.0, "b": -1.2, "c": 3.0})
    assert check_gold(dataset, gold) == ["Sentiments of CH-SIMS outside -1 to 1: 2, first 'b'."]


def test_placeholders_of_a_release_without_test_labels_are_told(tmp_path: Path) -> None:
    dataset = DATASETS["mer2024"]
    rows = {f"samplenew_{number}": {"emo": "neutral", "val": -10} for number in range(dataset.clips)}
    release(tmp_path, dataset, rows)
    (told,) = check_gold(dataset, load_gold(dataset, tmp_path))
    assert told.startswith("Every clip is 'neutral': placeholders")


def test_a_subset_of_one_label_is_not_taken_for_placeholders(tmp_path: Path) -> None:
    gold = Gold(Task.DISCRETE, {"a": ("sad",), "b": ("sad",)}, {})
    assert check_gold(DATASETS["mer2024"], gold) == ["MER2024 has 1,169 clips, and here are 2."]


@pytest.mark.parametrize("name", DATASETS)
def test_every_card_is_complete_and_agrees_with_what_is_checked(name: str) -> None:
    dataset = DATASETS[name]
    assert dataset.name == name
    lines = dataset.card.split("\n")
    found = {heading: next((line for line in lines if line.startswith(f"{heading}: ")), "") for heading in HEADINGS}
    assert [heading for heading in HEADINGS if not found[heading]] == []
    assert f"{dataset.clips:,}" in found["Clips"]
    assert ("unknown" if dataset.scored is None else f"{dataset.scored:,}") in found["Scored"]
    assert f"{dataset.folder}/{dataset.file}" in found["Folder"]
    assert dataset.corpus in dataset.card
    assert dataset.split.split()[0] in found["Split"]
    for label, count in zip(dataset.labels, dataset.counts, strict=False):
        assert f"{label} {count:,}" in found["Labels"]


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_counts_add_up(dataset: Dataset) -> None:
    assert not dataset.counts or sum(dataset.counts) == dataset.clips
    assert bool(dataset.labels) is (dataset.task is Task.DISCRETE)
    assert bool(dataset.scale) is (dataset.task is Task.SENTIMENT)
    if dataset.counts:
        assert dataset.scored == dataset.clips - dataset.counts[dataset.labels.index("neutral")]


def test_the_nine_sets_have_the_published_number_of_clips() -> None:
    assert len(DATASETS) == 9
    assert sum(dataset.clips for dataset in DATASETS.values()) == 12_799
