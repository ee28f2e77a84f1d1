"""SIGKILL at random moments, then the same command: nothing lost, nothing computed twice that was committed."""

from __future__ import annotations

import random
import subprocess
import time
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
    """Kill ``kills`` runs, group and parent alone in turn; each is checked against what was committed before it."""
    rng = random.Random(seed)
    killed = tries = 0
    while killed < kills:
        tries += 1
        assert tries < 4 * kills, "the runs end before they can be killed"
        done, seen = committed(lab), len(lab.calls())
        hit = lab.kill_after(rng.uniform(0.3, latest), group=killed % 2 == 0, runner=runner)
        again = {(call["role"], call["clip"]) for call in lab.calls()[seen:]}
        assert not again & done, "a committed cell was computed again"
        killed += hit
        if not hit:
            break_store(lab)  # it had ended by itself: begin anew, so that kills hit early stages too
    done, seen = committed(lab), len(lab.calls())
    lab.annotate(runner=runner)
    assert not {(call["role"], call["clip"]) for call in lab.calls()[seen:]} & done
    assert lab.cells() == undisturbed.cells()
    assert [finding for finding in verify(Store.open(lab.store)) if finding.level == "error"] == []


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


def check_interrupt(lab: Lab, undisturbed: Lab, runner: str) -> None:
    """SIGTERM in mid-work: exit code 4, one sentence, everything committed stands."""
    process = subprocess.Popen(
        lab.command(runner=runner), cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    while not lab.calls():
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 4, said
    assert "Interrupted. What was computed is kept" in said
    assert "Traceback" not in said
    done, seen = committed(lab), len(lab.calls())
    assert done
    assert lab.annotate(runner=runner)["exit_code"] == 0
    assert not {(call["role"], call["clip"]) for call in lab.calls()[seen:]} & done
    assert lab.cells() == undisturbed.cells()


def test_an_interrupted_run_keeps_what_it_has_and_says_so(undisturbed: Lab, tmp_path: Path) -> None:
    check_interrupt(make(tmp_path / "lab", 0.2), undisturbed, "plain")


def test_two_processes_given_the_same_work_do_no_harm(undisturbed: Lab, tmp_path: Path) -> None:
    lab = make(tmp_path / "lab", 0.02)
    both = [subprocess.Popen(lab.command(), cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert lab.cells() == undisturbed.cells()
    rows = Counter(row["cell_id"] for row in lab.rows())
    assert set(rows.values()) == {1}
    assert lab.annotate()["computed_cells"] == 0
