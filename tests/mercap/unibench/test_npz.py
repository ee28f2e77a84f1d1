from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mercap.errors import UsageError
from mercap.unibench.files import read_answers
from mercap.unibench.npz import convert, read_corpus, read_results
from mercap.unibench.protocols import Task
from tests.mercap.unibench.archives import PROTOCOLS, boxed, member, packed, saved

RESULTS = {"clip_1": "The person is happy.", "clip_2": "她很生气。", "clip_3": ""}
CHECKPOINT = "checkpoint_000030_loss0.702-openset.npz"


def refusal(path: Path, corpus: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        read_corpus(path, corpus) if corpus else read_results(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_results_in_a_dictionary_are_read(tmp_path: Path) -> None:
    found = read_results(saved(tmp_path / "a.npz", name2reason=RESULTS))
    assert found == RESULTS
    assert list(found) == list(RESULTS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_binary_protocol_of_pickle_is_read(tmp_path: Path, protocol: int) -> None:
    assert read_results(packed(tmp_path / "a.npz", name2reason=member(RESULTS, protocol))) == RESULTS


@pytest.mark.parametrize("objects", [False, True])
def test_results_in_two_arrays_are_read(tmp_path: Path, objects: bool) -> None:
    dtype = object if objects else None
    names, items = np.array(list(RESULTS), dtype=dtype), np.array(list(RESULTS.values()), dtype=dtype)
    assert read_results(saved(tmp_path / "a.npz", filenames=names, fileitems=items)) == RESULTS


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip), st.text(), min_size=1
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_texts_come_back_as_they_were(tmp_path: Path, results: dict[str, str]) -> None:
    assert read_results(saved(tmp_path / "a.npz", name2reason=results)) == results


def test_what_numpy_reads_from_two_arrays_is_what_is_read_here(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", filenames=np.array(["a", "b"], dtype=">U3"), fileitems=np.array(["é", "😀 x"]))
    archive = np.load(path)
    assert read_results(path) == dict(zip(archive["filenames"].tolist(), archive["fileitems"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.array(["x"])}, "neither name2reason nor filenames and fileitems"),
        ({"filenames": np.array(["a"])}, "holds 'filenames': neither"),
        ({"filenames": np.array(["a", "b"]), "fileitems": np.array(["x"])}, "2 filenames, but 1 fileitems"),
        ({"filenames": np.array(["a", "a"]), "fileitems": np.array(["x", "y"])}, "'a' comes twice"),
        ({"filenames": np.array(["a", " "]), "fileitems": np.array(["x", "y"])}, "a clip name is ' '"),
        ({"filenames": np.array([["a"]]), "fileitems": np.array(["x"])}, "an array of shape (1, 1)"),
        ({"filenames": np.array(["a"]), "fileitems": np.array([1.5])}, "an array of float64, not of texts"),
        ({"filenames": np.array([], dtype=str), "fileitems": np.array([], dtype=str)}, "holds no results"),
        ({"name2reason": boxed({})}, "holds no results"),
        ({"name2reason": boxed(["a"])}, "is not one dictionary"),
        ({"name2reason": np.array([{"a": "b"}, {"c": "d"}])}, "is not one dictionary"),
        ({"name2reason": boxed({"a": 3})}, "the item of 'a' is no text but int"),
        ({"name2reason": boxed({"a": ["b"]})}, "the item of 'a' is no text but list"),
        ({"name2reason": boxed({1: "b"})}, "a key that is no text"),
        ({"name2reason": boxed({"a": "\ud800"})}, "is not text in Unicode"),
        ({"name2reason": boxed({"a" * 1000: "b"})}, "of 1000 characters"),
        ({"name2reason": boxed({"a": np.array([1, 2])})}, "nothing of it was run"),
    ],
)
def test_anything_but_texts_by_name_is_refused(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    assert words in refusal(saved(tmp_path / "a.npz", **arrays))


def test_labels_of_one_split_are_read(tmp_path: Path) -> None:
    train, test = {"a": {"emo": 0, "val": -10}}, {"b": {"emo": "sad", "val": 0.5}, "c": {"emo": 3, "val": -1.25}}
    path = saved(tmp_path / "label.npz", train_corpus=train, test_corpus=test)
    assert read_corpus(path, "train_corpus") == train
    assert read_corpus(path, "test_corpus") == test


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value", [np.int64(3), np.int32(-1), np.uint8(7), np.float64(0.1), np.float32(0.1), np.str_("sad"), np.bool_(True)]
)
def test_numpy_scalars_become_plain_values(tmp_path: Path, value: Any, protocol: int) -> None:
    path = packed(tmp_path / "a.npz", test_corpus=member({"a": {"emo": value}}, protocol))
    found = read_corpus(path, "test_corpus")["a"]["emo"]
    assert found == value.item()
    assert type(found) is type(value.item())


def test_bare_numbers_and_texts_are_labels_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", test_corpus={"a": 0.5, "b": np.float32(-1), "c": "happy"})
    assert read_corpus(path, "test_corpus") == {"a": {"val": 0.5}, "b": {"val": -1.0}, "c": {"emo": "happy"}}


def test_fields_that_are_no_label_are_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", test_corpus={"a": {"emo": 1, "clues": ["smile"], "note": None}})
    assert read_corpus(path, "test_corpus") == {"a": {"emo": 1}}


def test_a_missing_split_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", train_corpus={"a": {"emo": 1}}, val_corpus={"b": {"emo": 1}})
    assert "holds 'train_corpus', 'val_corpus': there is no test_corpus" in refusal(path, "test_corpus")


def test_a_clip_without_labels_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", test_corpus={"a": {"emo": 1}, "b": None})
    assert "'b' of test_corpus has no labels" in refusal(path, "test_corpus")


def test_one_archive_becomes_lines_with_its_epoch(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    assert convert([saved(tmp_path / CHECKPOINT, name2reason=RESULTS)], out, "openset") == 3
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
    assert rows == [{"epoch": 30, "name": name, "openset": text} for name, text in RESULTS.items()]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.jsonl", CHECKPOINT])


def test_several_archives_become_one_file_that_the_scorer_reads(tmp_path: Path) -> None:
    late = saved(tmp_path / "checkpoint_000035_loss0.6.npz", filenames=np.array(["a"]), fileitems=np.array(["[sad]"]))
    early = saved(tmp_path / "checkpoint_000030_loss0.7.npz", name2reason={"a": "[happy, calm]"})
    assert convert([late, early], tmp_path / "all.jsonl", "openset") == 2
    answers = read_answers(tmp_path / "all.jsonl", Task.OV)
    assert answers == {"30": {"a": ("happy", "calm")}, "35": {"a": ("sad",)}}
    assert (tmp_path / "all.jsonl").read_text().startswith('{"epoch": 30')


def test_one_archive_without_an_epoch_in_its_name_has_none(tmp_path: Path) -> None:
    convert([saved(tmp_path / "results.npz", name2reason={"a": "b"})], tmp_path / "a.jsonl", "response")
    assert (tmp_path / "a.jsonl").read_text() == '{"name": "a", "response": "b"}\n'


@pytest.mark.parametrize(
    ("names", "out", "field", "words"),
    [
        (["a.npz", "checkpoint_000030_x.npz"], "a.jsonl", "openset", "tells no epoch"),
        (["checkpoint_000030_x.npz", "checkpoint_30_y.npz"], "a.jsonl", "openset", "are both of epoch 30"),
        (["a.npz"], "a.csv", "openset", "must end in .jsonl"),
        (["a.npz"], "a.jsonl", "labels", "not one of response, openset, sentiment"),
        (["a.npz"], "nowhere/a.jsonl", "openset", "cannot be written: No such file or directory"),
        ([], "a.jsonl", "openset", "No archive was given"),
    ],
)
def test_a_conversion_that_cannot_be_right_is_refused(
    tmp_path: Path, names: list[str], out: str, field: str, words: str
) -> None:
    paths = [saved(tmp_path / name, name2reason=RESULTS) for name in names]
    with pytest.raises(UsageError, match=words):
        convert(paths, tmp_path / out, field)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_file_that_cannot_take_its_place_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(UsageError, match="a.jsonl cannot be written: Is a directory"):
        convert([saved(tmp_path / CHECKPOINT, name2reason=RESULTS)], tmp_path / "a.jsonl", "openset")
    assert not list(tmp_path.glob("*.tmp"))


def test_a_conversion_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    out.write_text("old")
    good, bad = saved(tmp_path / CHECKPOINT, name2reason=RESULTS), tmp_path / "checkpoint_000035.npz"
    bad.write_bytes(good.read_bytes()[:200])
    with pytest.raises(UsageError, match="checkpoint_000035"):
        convert([good, bad], out, "openset")
    assert out.read_text() == "old"
    assert not list(tmp_path.glob("*.tmp"))
