"""Labels from responses: the plain extractor, and a file that is extracted once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mercap.errors import UsageError
from mercap.unibench.extract import extract_file, plain_labels


@pytest.mark.parametrize(
    ("response", "labels"),
    [
        ("The character's emotional state is sad, worried, tired.", ("sad", "worried", "tired")),
        ("The emotions are: Anger; fear and shame", ("anger", "fear", "shame")),
        ("Labels:\n- sad\n- lonely\n", ("sad", "lonely")),
        ("[happy, 'proud']", ("happy", "proud")),
        ("happy, happy, glad", ("happy", "glad")),
        ("I looked at the picture for a long time, and then", ("then",)),
        ("", ()),
    ],
)
def test_plain_labels(response: str, labels: tuple[str, ...]) -> None:
    assert plain_labels(response) == labels


def responses(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_extracted_rows_keep_epoch_and_response_and_say_who_extracted_them(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    extract_file(responses(tmp_path / "r.jsonl", {"name": "a", "response": "sad", "epoch": 3}), out, "plain")
    assert json.loads(out.read_text()) == {
        "epoch": "3", "name": "a", "response": "sad", "openset": ["sad"], "extractor": "plain/1",
    }  # fmt: skip


def test_a_response_already_extracted_is_kept_and_a_new_one_is_added(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    extract_file(responses(tmp_path / "r.jsonl", {"name": "a", "response": "sad"}), out, "plain")
    out.write_text(out.read_text().replace('["sad"]', '["corrected by hand"]'))
    more = responses(tmp_path / "r.jsonl", {"name": "a", "response": "sad"}, {"name": "b", "response": "mad"})
    counts = extract_file(more, out, "plain")
    assert (counts.rows, counts.reused, counts.empty) == (2, 1, 0)
    assert [json.loads(line)["openset"] for line in out.read_text().splitlines()] == [["corrected by hand"], ["mad"]]


def test_another_extractor_starts_anew(tmp_path: Path) -> None:
    out, made = tmp_path / "labels.jsonl", responses(tmp_path / "r.jsonl", {"name": "a", "response": "It's sad."})
    extract_file(made, out, "plain")
    assert extract_file(made, out, "listed").reused == 0


def test_an_unknown_extractor_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of plain, listed, not 'llm'"):
        extract_file(responses(tmp_path / "r.jsonl"), tmp_path / "o.jsonl", "llm")


def test_a_response_that_is_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="response of 'a' is no text"):
        extract_file(responses(tmp_path / "r.jsonl", {"name": "a", "response": 3}), tmp_path / "o.jsonl", "plain")
