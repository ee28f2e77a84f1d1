"""The command line as a person or a script meets it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from app.cli import parse_share
from mercap.errors import UsageError
from tests.lab import ROOT, Lab


def mercap(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


COMMANDS = ("annotate", "plan", "show", "status", "query", "publish", "verify", "doctor", "features", "train", "infer")


def test_help_answers_at_once_and_loads_no_heavy_module() -> None:
    """Half a second is the promise; what breaks it is an import, so that is what is looked for."""
    code = (
        "import sys\nfrom app.cli import app\nfrom typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = ('torch', 'prefect', 'pandas', 'pyarrow', 'duckdb', 'cv2', 'av', 'numpy', 'openai', 'pydantic')\n"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
    times = []
    for _ in range(3):
        started = time.perf_counter()
        assert mercap("--help").returncode == 0
        times.append(time.perf_counter() - started)
    assert min(times) < 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = mercap(command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"mercap {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def wrong(lab: Lab, *arguments: str) -> str:
    """One sentence, exit code 2, nothing run."""
    done = mercap(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not lab.store.exists()
    return done.stderr


def test_a_bad_column_is_one_sentence(lab: Lab) -> None:
    (lab.root / "m.csv").write_text("path,subtitel\na.mp4,b\n")
    said = wrong(lab, "annotate", str(lab.root / "m.csv"), "--store", str(lab.store), "--runner", "plain")
    assert said.strip() == "mercap: The manifest m.csv has the unknown column 'subtitel'; did you mean 'subtitle'?"


def test_an_unknown_recipe_key_is_one_sentence(lab: Lab) -> None:
    lab.clips.mkdir()
    (lab.clips / "a.mp4").write_text("x")
    lab.write_recipe(merge__promt="merge/v1.en")
    said = wrong(
        lab, "annotate", str(lab.clips), "--store", str(lab.store), "--recipe", str(lab.recipe), "--runner", "plain"
    )
    assert "unknown key 'merge.promt'; did you mean 'prompt'?" in said


def test_a_path_outside_the_root_is_one_sentence(lab: Lab) -> None:
    (lab.root / "m.csv").write_text("path\n../../etc/passwd\n")
    said = wrong(lab, "annotate", str(lab.root / "m.csv"), "--store", str(lab.store), "--runner", "plain")
    assert "leads outside" in said
    assert "nothing was run" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("annotate", "nothing-there", "--store", "{store}"),
        ("annotate", "{root}", "--store", "{store}", "--runner", "airflow"),
        ("annotate", "{root}", "--store", "{store}", "--max-quarantine", "lots"),
        ("annotate", "{root}", "--store", "{store}", "--no-such-flag"),
        ("plan", "nothing-there", "--store", "{store}"),
        ("show", "a", "--store", "{store}"),
        ("status", "--store", "{store}"),
        ("query", "--store", "{store}", "SELECT 1"),
        ("publish", "--store", "{store}"),
        ("verify", "--store", "{store}"),
    ],
)
def test_wrong_use_is_exit_code_2_without_a_traceback(lab: Lab, arguments: tuple[str, ...]) -> None:
    wrong(lab, *(part.format(root=lab.root, store=lab.store) for part in arguments))


def test_a_scripted_prefect_run_refuses_wrong_input_in_one_sentence_too(lab: Lab) -> None:
    """The default runner must not turn a sentence into a traceback; needs no server: nothing is run."""
    lab.write_recipe(merge__promt="x")
    lab.clips.mkdir()
    (lab.clips / "a.mp4").write_text("x")
    said = wrong(lab, "annotate", str(lab.clips), "--store", str(lab.store), "--recipe", str(lab.recipe))
    assert "unknown key" in said


def test_a_finished_store_can_be_looked_at_from_every_side(lab: Lab) -> None:
    lab.fill(2)
    lab.annotate()
    store = ("--store", str(lab.store))
    shown = mercap("show", "clip01", *store)
    assert shown.returncode == 0
    assert all(stage in shown.stdout for stage in ("ingest  ok", "describe_audio", "vote:words", "verdict"))
    one = json.loads(mercap("show", "clip01", *store, "--json").stdout)
    assert {cell["stage_key"] for cell in one["cells"]} >= {"merge", "verdict"}
    status = json.loads(mercap("status", *store, "--json").stdout)
    assert status["published_snapshot"] == 1
    assert [run["state"] for run in status["runs"]] == ["finished"]
    assert "finished" in mercap("status", *store).stdout
    assert mercap("verify", *store).returncode == 0
    assert json.loads(mercap("verify", *store, "--json").stdout) == []
    views = json.loads(mercap("query", *store, "--json").stdout)
    assert {"captions", "captions_plus", "clips", "sources", "transcripts", "measures", "cues", "votes", "verdicts",
            "quarantine", "runs", "ledger"} <= set(views)  # fmt: skip
    for name, view in views.items():
        rows = mercap("query", *store, f"SELECT {', '.join(view['columns'])} FROM {name}", "--json")
        assert rows.returncode == 0, rows.stderr
        assert isinstance(json.loads(rows.stdout), list)
    unknown = mercap("show", "nobody", *store)
    assert (unknown.returncode, "No source is named 'nobody'" in unknown.stderr) == (2, True)
    lab.write_recipe(merge__prompt="merge/v1.en")
    assert mercap("publish", *store, "--recipe", str(lab.recipe)).returncode == 2


def test_publish_makes_the_published_file_anew(lab: Lab) -> None:
    lab.fill(1)
    lab.annotate()
    published = lab.store / "published" / "mercap.duckdb"
    published.unlink()
    done = mercap("publish", "--store", str(lab.store), "--recipe", str(lab.recipe), "--json")
    assert json.loads(done.stdout)["snapshot"] == 1
    assert published.exists()


def test_verify_finds_damage(lab: Lab) -> None:
    lab.fill(1)
    lab.annotate()
    part = next((lab.store / "cells" / "merge").glob("part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-10])
    (lab.store / "cells" / "merge" / ".tmp-left-behind").write_text("x")
    done = mercap("verify", "--store", str(lab.store), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert {finding["level"] for finding in found} == {"error", "notice"}
    assert any(part.name in finding["where"] for finding in found)


def test_terminal_control_characters_in_a_caption_never_reach_the_terminal(lab: Lab) -> None:
    lab.fill(1)
    (lab.clips / "clip00.srt").write_text(
        "1\n00:00:00,000 --> 00:00:00,500\nI am \x1b[31mglad\x07 [bold]really[/bold]" + " glad" * 60 + "\n"
    )
    lab.annotate()
    done = mercap("query", "--store", str(lab.store), "SELECT text FROM transcripts")
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "[bold]really" in done.stdout


def test_doctor_says_which_roles_can_run() -> None:
    done = mercap("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, report["problems"]
    assert {row["role"] for row in report["roles"] if row["ready"]} >= {
        "ingest",
        "transcribe",
        "diarize",
        "merge",
        "verdict",
    }


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("100%", 1.0), ("0", 0.0)])
def test_a_share_is_read_as_fraction_or_percentage(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "x", "101%", "-1", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_share(text)
