"""Examples from a store, from AffectGPT's files, and the test sets they must not overlap with."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import annotate_plainly
from mercap.errors import UsageError
from storage.captions import read_captions
from storage.store import Store
from tasks.examples import benchmark_sets, from_csv, from_store
from tests.lab import Lab, make_clip


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "video"
    folder.mkdir()
    for number in range(3):
        make_clip(folder / f"Sample_{number}.mp4", number)
    (folder / "Sample_2.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nbeside the clip\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_examples_of_a_store_are_its_published_captions(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_recipe()
    lab.fill(2)
    annotate_plainly(
        AnnotateOptions(source=str(lab.clips), store=str(lab.store), recipe=str(lab.recipe), workers=1), Silent()
    )
    store = Store.open(lab.store)
    found = from_store(store, "captions")
    rows = list(read_captions(store, "captions"))
    assert [(one.clip, one.description, one.labels) for one in found.examples] == [
        (row.clip, row.caption, row.labels) for row in rows
    ]
    assert found.origin == "captions of snapshot 1 (scripted)"
    assert found.names == {row.clip: row.names for row in rows}


def test_the_files_of_affectgpt_are_merged_by_name(tmp_path: Path, clips: Path, store: Store) -> None:
    labels = written(tmp_path / "track2.csv", 'name,openset\nsample_0,"[sad, Tired]"\nsample_1,[happy]\n')
    reasons = written(tmp_path / "track3.csv", "name,reason\nsample_0,Her voice drops.\nsample_2,He shouts.\n")
    words = written(tmp_path / "subtitle.csv", "name,chinese,english\nsample_0,我很好,I am fine\n")
    found = from_csv([labels, reasons, words], str(clips), store)
    by_name = {one.name: one for one in found.examples}
    assert by_name["Sample_0"][2:] == ("I am fine", "Her voice drops.", ("sad", "tired"))
    assert by_name["Sample_1"][2:] == ("", None, ("happy",))
    assert by_name["Sample_2"][2:] == ("beside the clip", "He shouts.", ())


def test_names_without_a_clip_are_told(tmp_path: Path, clips: Path, store: Store) -> None:
    labels = written(tmp_path / "a.csv", "name,openset\nsample_0,[sad]\nsample_9,[happy]\n")
    assert from_csv([labels], str(clips), store).unknown == ["sample_9"]
    with pytest.raises(UsageError, match="None of the 1 names"):
        from_csv([written(tmp_path / "b.csv", "name,openset\nother,[sad]\n")], str(clips), store)


def test_a_clip_under_two_names_is_trained_on_once(tmp_path: Path, clips: Path, store: Store) -> None:
    (clips / "copy.mp4").write_bytes((clips / "Sample_0.mp4").read_bytes())
    labels = written(tmp_path / "a.csv", "name,openset\nsample_0,[sad]\ncopy,[sad]\n")
    found = from_csv([labels], str(clips), store)
    assert len(found.examples) == 1
    assert found.names[found.examples[0].clip] == ("Sample_0", "copy")


def test_a_row_without_name_is_named_by_file_and_line(tmp_path: Path, clips: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="a.csv, line 3: there is no name"):
        from_csv([written(tmp_path / "a.csv", "name,openset\nsample_0,[sad]\n,[sad]\n")], str(clips), store)


def test_test_sets_are_known_by_their_labels_and_by_their_clips(tmp_path: Path, clips: Path, store: Store) -> None:
    gold = tmp_path / "gold"
    gold.mkdir()
    written(gold / "mer2023.csv", "name,label\nsample_00000001,happy\n")
    by_labels, by_clips = benchmark_sets(gold, [str(clips)], store)
    assert (by_labels.name, by_labels.names, by_labels.clips) == ("mer2023", {"sample_00000001"}, frozenset())
    assert by_clips.names == {"sample_0", "sample_1", "sample_2"}
    assert len(by_clips.clips) == 3


def test_a_folder_without_any_gold_labels_is_refused(tmp_path: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="no gold labels of any test set"):
        benchmark_sets(tmp_path, [], store)


def test_the_published_test_labels_are_found(reference: Path, store: Store) -> None:
    found = {one.name: len(one.names) for one in benchmark_sets(reference / "gold_test_labels", [], store)}
    assert found == {"mer2023": 411, "meld": 2610, "cmumosi": 686, "sims": 457}
