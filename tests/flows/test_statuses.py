"""Every kind of trouble lands in the right status with a typed reason, and the exit code says what it should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ROOT, Lab, make_clip


def truncate(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    return path


def ledger(report: dict[str, Any], stage: str) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in report["ledger"] if row["stage"] == stage)
    return row


def ask(lab: Lab, sql: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "app", "query", "--store", str(lab.store), sql, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


@pytest.fixture
def troubled(lab: Lab) -> Lab:
    """Seven names: good, silent, truncated, a duplicate, text called .mp4, a missing file, a withdrawn consent."""
    lab.clips.mkdir()
    make_clip(lab.clips / "good.mp4", 1)
    make_clip(lab.clips / "silent.mp4", 2, audio=False)
    truncate(make_clip(lab.clips / "cut.mp4", 3, seconds=2.0))
    (lab.clips / "again.mp4").write_bytes((lab.clips / "good.mp4").read_bytes())
    (lab.clips / "text.mp4").write_text("I am not a film\n" * 50)
    make_clip(lab.clips / "withdrawn.mp4", 4)
    (lab.clips / "m.csv").write_text(
        "path,consent,actor\ngood.mp4,any,7\nsilent.mp4,any,8\ncut.mp4,any,\nagain.mp4,research,\ntext.mp4,any,\n"
        "gone.mp4,any,\nwithdrawn.mp4,withdrawn,\n"
    )
    return lab


def test_every_name_lands_where_it_should(troubled: Lab) -> None:
    report = troubled.annotate("--max-quarantine", "60%", source=troubled.clips / "m.csv")
    ingest, transcribe = ledger(report, "ingest"), ledger(report, "transcribe")
    assert (ingest["names"], ingest["ok"], ingest["duplicate"], ingest["quarantined"]) == (7, 2, 1, 4)
    assert ingest["causes"] == {"consent_withdrawn": 1, "decode": 1, "format": 1, "missing_file": 1}
    assert (transcribe["ok"], transcribe["absent"], transcribe["blocked"], transcribe["duplicate"]) == (1, 1, 4, 1)
    assert transcribe["causes"] == {"no_audio": 1}
    assert all(row["balances"] for row in report["ledger"])
    quarantine = {
        row["name"]: (row["stage"], row["cause"]) for row in ask(troubled, "SELECT name, stage, cause FROM quarantine")
    }
    assert quarantine == {
        "cut": ("ingest", "decode"), "text": ("ingest", "format"), "gone": ("source", "missing_file"),
        "withdrawn": ("source", "consent_withdrawn"),
    }  # fmt: skip
    assert ledger(report, "merge")["causes"] == {"no_evidence": 1}  # silent, and nobody to be seen
    assert ask(troubled, "SELECT name, consent, names FROM clips WHERE status = 'ok' ORDER BY name") == [
        {"name": "again", "consent": "research", "names": 2}, {"name": "silent", "consent": "any", "names": 1},
    ]  # fmt: skip
    assert ask(troubled, "SELECT extra FROM sources WHERE name = 'good'") == [{"extra": '{"actor": "7"}'}]


def test_more_quarantined_than_allowed_is_exit_code_3_and_still_published(troubled: Lab) -> None:
    report = troubled.annotate(source=troubled.clips / "m.csv", expect=3)
    assert report["quarantined"] == 4
    assert [row["name"] for row in ask(troubled, "SELECT name FROM captions")] == ["again"]


def test_a_fault_of_a_model_blocks_what_reads_it_and_nothing_else(lab: Lab) -> None:
    lab.fill(2)
    first = lab.annotate()
    clip = ask(lab, "SELECT clip FROM clips WHERE name = 'clip00'")[0]["clip"]
    lab.write_recipe(transcribe__prompt="label/v1.en", transcribe__faults={clip[:8]: "unreadable_reply"})
    report = lab.annotate("--max-quarantine", "50%")
    assert first["captions"] == 2
    assert ledger(report, "transcribe")["causes"] == {"unreadable_reply": 1}
    blocked = {row["stage"] for row in report["ledger"] if row["blocked"]}
    assert blocked == {"merge", "label", "screen", "vote:words", "verdict"}
    assert len(ask(lab, "SELECT * FROM captions")) == 1


def test_a_passing_fault_is_taken_up_again_until_its_last_attempt(lab: Lab) -> None:
    lab.fill(1)
    lab.write_recipe(merge__faults={"": "backend"})
    for attempt in (1, 2, 3):
        lab.annotate("--max-quarantine", "100%")
        assert ask(lab, "SELECT attempts FROM quarantine") == [{"attempts": attempt}]
    report = lab.annotate("--max-quarantine", "100%")
    assert report["computed_cells"] == 0
    assert lab.call_counts()["merge"] == 3


def test_a_mended_fault_lets_the_clip_through(lab: Lab) -> None:
    lab.fill(1)
    lab.write_recipe(merge__faults={"": "timeout"})
    lab.annotate("--max-quarantine", "100%")
    lab.write_recipe()
    report = lab.annotate()
    assert {key: count for key, count in report["computed"].items() if count} == {
        "merge": 1,
        "label": 1,
        "screen": 1,
        "verdict": 1,
    }
    assert ask(lab, "SELECT count(*) AS n FROM quarantine") == [{"n": 0}]


def test_a_second_folder_adds_to_the_dataset_and_the_first_again_replaces_its_part(lab: Lab) -> None:
    lab.fill(2)
    other = lab.root / "other"
    other.mkdir()
    make_clip(other / "third.mp4", 50)
    lab.annotate()
    lab.annotate(source=other)
    assert [row["name"] for row in ask(lab, "SELECT name FROM captions")] == ["clip00", "clip01", "third"]
    (lab.clips / "clip00.mp4").unlink()
    lab.annotate()
    assert [row["name"] for row in ask(lab, "SELECT name FROM captions")] == ["clip01", "third"]
    lab.annotate("--limit", "1")
    assert len(ask(lab, "SELECT name FROM captions")) == 2


def test_a_run_over_nothing_but_bad_rows_ends_in_order(lab: Lab) -> None:
    lab.clips.mkdir()
    (lab.clips / "m.csv").write_text("path\ngone.mp4\n")
    report = lab.annotate("--max-quarantine", "100%", source=lab.clips / "m.csv")
    assert (report["names"], report["clips"], report["captions"]) == (1, 0, 0)


@pytest.mark.parametrize(("limit", "value"), [("seconds", 0.1), ("pixels", 100), ("file_mb", 0.0001)])
def test_a_lowered_limit_holds_for_media_that_was_decoded_before(lab: Lab, limit: str, value: float) -> None:
    """The answer of a cell must not depend on what lies in the folder of derived media."""
    lab.fill(1)
    lab.annotate()
    lab.write_recipe(**{f"limits__{limit}": value})
    report = lab.annotate(expect=3)
    assert ledger(report, "ingest")["causes"] == {"limits": 1}
    fresh = Lab(lab.root)
    (lab.store).rename(lab.root / "old_store")
    assert ledger(fresh.annotate(expect=3), "ingest")["causes"] == {"limits": 1}


def test_consent_withdrawn_in_one_collection_unpublishes_the_clip_of_another(lab: Lab) -> None:
    lab.fill(2)
    lab.annotate()
    other = lab.root / "other"
    other.mkdir()
    (other / "same.mp4").write_bytes((lab.clips / "clip00.mp4").read_bytes())
    (other / "m.csv").write_text("path,consent\nsame.mp4,withdrawn\n")
    lab.annotate("--max-quarantine", "100%", source=other / "m.csv")
    assert [row["name"] for row in ask(lab, "SELECT name FROM captions")] == ["clip01"]
    assert ask(lab, "SELECT count(*) AS n FROM cells JOIN sources USING (clip) WHERE name = 'clip00'") == [{"n": 0}]
