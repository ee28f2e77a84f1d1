"""What `preview` and `plan` look like, and what scripts get of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.endpoint import Endpoint
from tests.flows.asking import STORY, reply, run, use
from tests.lab import ROOT, Lab


@pytest.fixture
def filled(lab: Lab) -> Lab:
    lab.fill(2)
    return lab


def mercap(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "app", *arguments], cwd=ROOT, capture_output=True, text=True,
                          check=False, env={**os.environ, "COLUMNS": "160"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_preview_shows_what_was_asked_what_came_back_and_what_became_of_it(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server, price_per_mtok_in=2.0, price_per_mtok_out=8.0)
        text = mercap("preview", str(filled.clips), "-n", "1", "--recipe", str(filled.recipe))
    assert "You explain what the main person" in text
    assert "<<seen" in text
    assert f"    {STORY}" in text
    assert "→ happy (positive)" in text
    assert "What it cost" in text
    assert "clip01" not in text, "one clip was asked for"


def test_preview_as_json_holds_every_question_and_reply(filled: Lab) -> None:
    with Endpoint(reply=reply) as server:
        use(filled, server)
        found = json.loads(mercap("preview", str(filled.clips), "-n", "2", "--recipe", str(filled.recipe), "--json"))
    merges = [cell for clip in found["clips"] for cell in clip["cells"] if cell["stage"] == "merge"]
    assert [[part["role"] for part in cell["asked"]] for cell in merges] == [["system", "user"]] * 2
    assert all(cell["reply"].startswith(STORY) and cell["payload"]["text"] == cell["reply"] for cell in merges)
    assert {row["stage"] for row in found["spend"]} == {"merge", "label"}


def test_preview_leaves_nothing_behind(filled: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    mercap("preview", str(filled.clips), "-n", "1", "--recipe", str(filled.recipe))
    assert list(scratch.iterdir()) == [], "no store, and no session of anybody's telemetry"


def test_plan_says_whether_its_figures_are_measured_or_a_guess(filled: Lab) -> None:
    arguments = ("plan", str(filled.clips), "--store", str(filled.store), "--recipe", str(filled.recipe))
    with Endpoint(reply=reply) as server:
        use(filled, server, price_per_mtok_in=2.0, price_per_mtok_out=8.0)
        before = mercap(*arguments)
        run(filled)
        filled.recipe.write_text(filled.recipe.read_text().replace("label/v1.en", "label/v1.zh"))
        after = mercap(*arguments)
    assert "estimate" in before
    assert "USD" in before
    label = next(line for line in after.splitlines() if line.startswith("label") and "measured" in line)
    assert label.split()[1] == "2"
    assert "estimate" not in after.replace("estimate: a guess", "")
