"""A run that was killed and went on ends with the same bits as one that was never disturbed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
safetensors = pytest.importorskip("safetensors.torch")

from mercap.affectgpt.training.events import EVENTS, Event, read_events  # noqa: E402
from tests.lab import ROOT  # noqa: E402

EVERY_3 = {"checkpoint_every": 3}
AT_7 = {"after": 7}
SCENES: dict[str, list[dict[str, Any]]] = {
    "undisturbed": [{"options": {}}],
    "killed": [{"options": EVERY_3, "kill": AT_7}, {"options": EVERY_3}],
    "killed before its first checkpoint": [{"options": EVERY_3, "kill": {"after": 2}}, {"options": EVERY_3}],
    "killed in a save": [{"options": EVERY_3, "kill": {"save": 9, "when": "writing"}}, {"options": EVERY_3}],
    "killed before a save was vouched for": [
        {"options": EVERY_3, "kill": {"save": 9, "when": "unvouched"}},
        {"options": EVERY_3},
    ],
    "killed and resumed in other circumstances": [
        {"options": {**EVERY_3, "prefetch": 0}, "kill": AT_7},
        {"options": {"checkpoint_every": 5, "prefetch": 9, "log_every": 4, "keep": 1}},
    ],
    "a stream": [{"options": {}, "stream": True}],
    "a stream killed": [{"options": EVERY_3, "kill": AT_7, "stream": True}, {"options": EVERY_3, "stream": True}],
    "one process": [{"options": {"accumulate": 2}, "model": "float64"}],
    "two processes": [{"options": {"accumulate": 2}, "model": "float64", "ranks": 2}],
    "first two processes, then one": [
        {"options": {"accumulate": 2, **EVERY_3}, "model": "float64", "ranks": 2, "kill": AT_7},
        {"options": {"accumulate": 2, **EVERY_3}, "model": "float64"},
    ],
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All scenes in one go: importing torch and transformers takes longer than playing them."""
    folder = tmp_path_factory.mktemp("scenes")
    scenes = [{**scene, "folder": str(folder / name)} for name, parts in SCENES.items() for scene in parts]
    (folder / "scenes.json").write_text(json.dumps(scenes))
    command = [sys.executable, "-m", "tests.mercap.affectgpt.training.scenes", str(folder / "scenes.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def told(folder: Path) -> list[tuple[Any, ...]]:
    """What every step's event says of the run, without how fast it was."""
    events = [event for event in read_events(folder / EVENTS) if event.kind == "step"]
    fields = ("step", "epoch", "loss", "lr", "grad_norm", "clips", "tokens", "supervised")
    return [tuple(getattr(event, field) for field in fields) for event in events]


def kinds(folder: Path, kind: str) -> list[Event]:
    return [event for event in read_events(folder / EVENTS) if event.kind == kind]


def tensors(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = safetensors.load_file(folder / "checkpoints" / "step-000000020.safetensors")
    return found


@pytest.mark.parametrize("name", [name for name in SCENES if name.startswith("killed")])
def test_a_killed_run_ends_bit_for_bit_as_an_undisturbed_one(played: Path, name: str) -> None:
    """All losses, all weights, both moments of Adam and its counts."""
    expected, found = tensors(played / "undisturbed"), tensors(played / name)
    assert told(played / name) == told(played / "undisturbed")
    assert len(told(played / name)) == 20
    assert expected.keys() == found.keys()
    assert len(expected) % 4 == 0
    assert all(torch.equal(expected[key], found[key]) for key in expected)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("killed", 6),
        ("killed in a save", 6),
        ("killed before a save was vouched for", 6),
        ("killed and resumed in other circumstances", 6),
    ],
)
def test_a_killed_run_went_on_from_its_last_whole_checkpoint(played: Path, name: str, step: int) -> None:
    """Or the test above would compare two whole runs."""
    assert [event.step for event in kinds(played / name, "resumed")] == [step]


def test_a_run_killed_before_its_first_checkpoint_begins_anew(played: Path) -> None:
    assert not kinds(played / "killed before its first checkpoint", "resumed")


def test_nothing_of_a_save_that_was_cut_off_is_left(played: Path) -> None:
    for name in SCENES:
        kept = sorted(path.name for path in (played / name / "checkpoints").iterdir())
        assert kept[-2:] == ["step-000000020.json", "step-000000020.safetensors"], name
        assert not [one for one in kept if one.startswith(".")], name
    assert len(list((played / "killed" / "checkpoints").iterdir())) == 2 * 3
    assert len(list((played / "killed and resumed in other circumstances" / "checkpoints").iterdir())) == 2


def test_random_numbers_that_go_on_from_wherever_they_were_would_not_survive_a_resume(played: Path) -> None:
    """The control: dropout from one long stream, as is usual. The same run until it is killed, another one after."""
    whole, resumed = told(played / "a stream"), told(played / "a stream killed")
    assert resumed[:6] == whole[:6]
    assert all(one != other for one, other in zip(resumed[6:], whole[6:], strict=True))
    assert [one[5:] for one in resumed] == [other[5:] for other in whole]  # the data came alike: it is dropout alone


@pytest.mark.parametrize("name", ["two processes", "first two processes, then one"])
def test_two_processes_make_the_run_of_one(played: Path, name: str) -> None:
    """With dropout, and with epochs whose last step leaves one of them without a batch."""
    expected, found = told(played / "one process"), told(played / name)
    assert len(found) == 20
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, abs=1e-12, rel=1e-12)
    weights, others = tensors(played / "one process"), tensors(played / name)
    assert all(torch.allclose(weights[key], others[key], atol=1e-12, rtol=0) for key in weights)


def test_some_step_of_the_two_processes_leaves_one_without_a_batch() -> None:
    """Or the test above would not show what it says."""
    from mercap.affectgpt.training.packs import plan_steps

    lessons = pytest.importorskip("tests.mercap.affectgpt.training.lessons")
    data = lessons.lessons(lessons.vivid(), 23)
    sizes = {len(plan.batches) for plan in plan_steps(data, lessons.quick(accumulate=2), 0)}
    assert sizes == {1, 2}
