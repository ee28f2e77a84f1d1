"""Gold and predictions from files: every kind of file, and every fault by name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.errors import UsageError
from mercap.unibench.files import ALL, answers_for, read_answers, read_gold, read_subset
from mercap.unibench.labels import parse_labels
from mercap.unibench.protocols import Task


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def lines(path: Path, *rows: object) -> Path:
    return write(path, "".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("[happy, sad]", ("happy", "sad")),
        ("['Happy', \"sad\"]", ("happy", "sad")),
        ("happy", ("happy",)),
        ("[happy, sad].", ("happy", "sad].")),
        ("don't care", ("don", "t care")),
        ("[[happy]]", ("[happy]",)),
        ("", ()),
        ("[]", ()),
        (" [ ] ", ()),
    ],
)
def test_labels_are_parsed_as_released_quirks_included(text: str, labels: tuple[str, ...]) -> None:
    assert parse_labels(text) == labels


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="'\",[]"), min_size=1)))
def test_a_list_of_texts_is_taken_as_it_is(texts: list[str]) -> None:
    assert parse_labels(texts) == tuple(text.strip().lower() for text in texts if text.strip().lower())


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "csv", "parquet"])
def test_every_kind_of_file_gives_the_same_answers(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"predictions.{kind}"
    rows = [{"name": "a", "openset": "[sad, happy]", "epoch": 5}, {"name": "b", "openset": "", "epoch": 5}]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "csv":
        write(path, 'name,openset,epoch\na,"[sad, happy]",5\nb,,5\n')
    elif kind == "jsonl.gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        write(path, text)
    assert read_answers(path, Task.OV) == {"5": {"a": ("sad", "happy"), "b": ()}}


def test_epochs_come_in_order_of_number(tmp_path: Path) -> None:
    path = lines(tmp_path / "p.jsonl", *({"name": "a", "openset": [], "epoch": epoch} for epoch in (10, 9, 100)))
    assert list(read_answers(path, Task.OV)) == ["9", "10", "100"]


def test_a_file_without_epochs_is_one_set_of_answers(tmp_path: Path) -> None:
    path = lines(tmp_path / "p.jsonl", {"name": "a", "sentiment": " Positive "})
    assert read_answers(path, Task.SENTIMENT) == {ALL: {"a": "positive"}}


def test_an_empty_gold_list_stands_for_neutral(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "g.csv", "name,openset\na,[]\nb,\n"), Task.OV)
    assert gold.labels == {"a": ("neutral",), "b": ("neutral",)}


def test_a_subset_leaves_the_other_gold_clips_out(tmp_path: Path) -> None:
    path = write(tmp_path / "g.csv", "name,label\na,1\nb,-1\n")
    assert read_gold(path, Task.SENTIMENT, {"b", "c"}).values == {"b": -1.0}


@pytest.mark.parametrize("text", ["name,x\na,1\nb,2\n", "a\nb\n", "a\r\n\r\n b \r\n"])
def test_a_subset_is_a_table_with_names_or_a_list_of_names(tmp_path: Path, text: str) -> None:
    assert read_subset(write(tmp_path / "s.txt" if "," not in text else tmp_path / "s.csv", text)) == {"a", "b"}


def test_a_label_of_a_megabyte_is_one_label(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", f"name,openset\na,{'x' * 1_000_000}\n")
    assert [len(label) for label in read_answers(path, Task.OV)[ALL]["a"]] == [1_000_000]


def test_line_separators_of_unicode_within_a_text_split_no_row(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", '{"name": "a", "openset": "sad\u2028\x85or not"}\n')
    assert list(read_answers(path, Task.OV)[ALL]) == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\na,1\na,2\n", "'a' comes twice"),
        ("name,score\na,1\n", "line 2: there is no label; it has name, score"),
        ("name,label\na,nan\n", "label of 'a' is 'nan', not a finite number"),
        ("name,label\na,inf\n", "label of 'a' is 'inf', not a finite number"),
        ("name,label\na,high\n", "label of 'a' is 'high', not a finite number"),
        ("name,label\na\n", "line 2: the row has another number of cells"),
        ("name,label\na,1,2\n", "line 2: the row has another number of cells"),
        ("name,label\n,1\n", "line 2: the name is '', not a text"),
        ("name,label\n", "holds no gold label"),
        ("", "holds no gold label"),
    ],
)
def test_what_is_wrong_with_gold_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_gold(write(tmp_path / "g.csv", text), Task.SENTIMENT)


def test_a_discrete_clip_without_a_label_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no label for 'b'"):
        read_gold(write(tmp_path / "g.csv", "name,label\na,sad\nb,\n"), Task.DISCRETE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "a", "openset": NaN}\n', "openset of 'a' is nan, neither a text nor a list of texts"),
        ('{"name": "a", "openset": null}\n', "openset of 'a' is None"),
        ('{"name": "a", "openset": ["sad", 3]}\n', r"openset of 'a' is \['sad', 3\]"),
        ('{"name": "a", "labels": "sad"}\n', "line 1: there is no openset; it has name, labels"),
        ('{"name": "a", "openset": "sad"}\n{"name": "a", "openset": "sad"}\n', "'a' comes twice"),
        ('{"name": null, "openset": "sad"}\n', "the name is None"),
        ('{"name": "a", "openset": "sad", "epoch": 1.5}\n', "the epoch is 1.5"),
        ('{"name": "a", "openset": "sad", "epoch": 1}\n{"name": "b", "openset": "sad"}\n', "some have none"),
        ('{"name": "a", "openset": \n', "line 1: this is not JSON"),
        (f"{'[' * 100_000}\n", "line 1: this is not JSON"),
        ("[1]\n", "line 1: one JSON object per line"),
        ("\n\n", "holds no predictions"),
    ],
)
def test_what_is_wrong_with_predictions_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_answers(write(tmp_path / "p.jsonl", text), Task.OV)


def test_a_sentiment_that_is_a_list_is_named(tmp_path: Path) -> None:
    path = lines(tmp_path / "p.jsonl", {"name": "a", "sentiment": ["positive"]})
    with pytest.raises(UsageError, match="is a list, not one word"):
        read_answers(path, Task.SENTIMENT)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("p.txt", b"x", "is not a .csv, .jsonl, .jsonl.gz or .parquet file"),
        ("p.jsonl", b"\xff\xfe", "is not text in UTF-8"),
        ("p.jsonl.gz", b"no gzip", "cannot be read"),
        ("p.jsonl.gz", gzip.compress(b"{}" * 1000, mtime=0)[:30], "cannot be read"),
        ("p.parquet", b"PAR1 or not", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_answers(tmp_path / name, Task.OV)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"p\.jsonl cannot be read: No such file"):
        read_answers(tmp_path / "p.jsonl", Task.OV)


def test_clips_without_a_prediction_are_named_and_the_subset_offered(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "g.csv", "name,label\na,sad\nb,sad\nc,sad\nd,sad\ne,sad\n"), Task.DISCRETE)
    with pytest.raises(UsageError, match=r"4 \('b', 'c', 'd', \.\.\.\) of 5 gold clips; give --subset FILE"):
        answers_for(gold, {"a": ("sad",)}, "p.jsonl")


def test_predictions_for_other_clips_are_left_aside(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "g.csv", "name,label\na,sad\n"), Task.DISCRETE)
    assert answers_for(gold, {"z": ("sad",), "a": ("happy",)}, "p.jsonl") == [("happy",)]
