"""SIGKILL at random moments, then the same command: nothing lost, nothing computed twice that was committed."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from storage.store import Store
from storage.verify import verify
from tests.lab import ROOT, Lab

CLIPS = 6
KILLS = 16  # and four more under Prefect, in test_prefect.py


def make(root: Path, delay_s: float) -> Lab:
    root.mkdir(exist_ok=True)
    lab = Lab(root, delay_s)
    lab.fill(CLIPS)
    lab.write_recipe()
    return lab


def committed(lab: Lab) -> set[tuple[str, str]]:
    """(role, clip) of every settled cell that a scripted call can be told by."""
    if not (lab.store / "store.json").exists():
        return set()
    return {(row["stage"], row["clip"]) for row in lab.rows() if row["status"] in ("ok", "absent")}


def check_resume(lab: Lab, undisturbed: Lab, kills: int, runner: str, latest: float, seed: int) -> None:
    """Kill ``kills`` runs, group and parent alone in turn, each followed by looking what it had committed."""
    rng = random.Random(seed)
    killed = 0
    for number in range(kills):
        done = committed(lab)
        seen = len(lab.calls())
        killed += lab.kill_after(rng.uniform(0.3, latest), group=number % 2 == 0, runner=runner)
        again = {(call["role"], call["clip"]) for call in lab.calls()[seen:]}
        assert not again & done, "a committed cell was computed again"
        if number % 5 == 4 and len(committed(lab)) > 0.8 * len(undisturbed.cells()):
            break_store(lab)  # nearly finished: begin anew, so that later kills hit early stages too
    done, seen = committed(lab), len(lab.calls())
    lab.annotate(runner=runner)
    assert not {(call["role"], call["clip"]) for call in lab.calls()[seen:]} & done
    assert lab.cells() == undisturbed.cells()
    assert [finding for finding in verify(Store.open(lab.store)) if finding.level == "error"] == []
    assert killed >= kills * 0.7, "most of the kills must hit a run that is under way"


def break_store(lab: Lab) -> None:
    subprocess.run(["rm", "-rf", str(lab.store)], check=True)
    lab.log.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = make(tmp_path_factory.mktemp("undisturbed") / "lab", 0.0)
    report = lab.annotate()
    assert report["exit_code"] == 0
    return lab


def test_a_run_killed_at_random_moments_ends_like_an_undisturbed_one(undisturbed: Lab, tmp_path: Path) -> None:
    check_resume(make(tmp_path / "lab", 0.2), undisturbed, KILLS, "plain", latest=5.0, seed=2026)


def test_an_interrupted_run_keeps_what_it_has_and_says_so(undisturbed: Lab, tmp_path: Path) -> None:
    lab = make(tmp_path / "lab", 0.2)
    process = subprocess.Popen(lab.command(), cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not lab.calls():
        assert process.poll() is None
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "Interrupted" in said
    assert "Traceback" not in said
    done, seen = committed(lab), len(lab.calls())
    assert done
    assert lab.annotate()["exit_code"] == 0
    assert not {(call["role"], call["clip"]) for call in lab.calls()[seen:]} & done
    assert lab.cells() == undisturbed.cells()


def test_two_processes_given_the_same_work_do_no_harm(undisturbed: Lab, tmp_path: Path) -> None:
    lab = make(tmp_path / "lab", 0.02)
    both = [subprocess.Popen(lab.command(), cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert lab.cells() == undisturbed.cells()
    rows = Counter(row["cell_id"] for row in lab.rows())
    assert set(rows.values()) == {1}
    assert lab.annotate()["computed_cells"] == 0
