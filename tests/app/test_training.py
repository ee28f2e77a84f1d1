"""`mercap train` and `mercap infer` as a person or a script meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.lab import ROOT, Lab

torch_is_here = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "transformers", "peft")), reason="needs torch, transformers, peft"
)
SMALL = ("--view", "captions", "--set", "pack_tokens=2048", "--set", "checkpoint_every=1000", "--device", "cpu")


def mercap(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


def said(*arguments: str) -> str:
    """One sentence, exit code 2."""
    done = mercap(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--recipe", "slow"), "--recipe: Input should be 'paper' or 'fast'"),
        (("--view", "all"), "--view: Input should be 'captions' or 'captions_plus'"),
        (("--target", "mood"), "--target: Input should be 'description' or 'labels'"),
        (("--set", "lr"), "--set takes FIELD=VALUE, not 'lr'"),
        (("--set", "lr=high"), "lr: Input should be a valid number"),
        (("--set", "batch=3"), "batch belongs to the recipe 'paper', not to 'fast'"),
        (("--set", "colour=red"), "colour: Extra inputs are not permitted"),
        (("--face", "hubert"), "--face: hubert reads audio"),
        (("--face", "eyes"), "the encoder is one of clip"),
    ],
)
def test_a_wrong_option_of_train_is_one_sentence(tmp_path: Path, option: tuple[str, ...], why: str) -> None:
    assert why in said("train", "--store", str(tmp_path / "s"), "--out", str(tmp_path / "r"), *option)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "arguments",
    [(), ("a.mp4", "--store", "s"), ("--store", "s"), ("--out", "o.jsonl")],
    ids=["nothing", "clip and store", "store without out", "out alone"],
)
def test_infer_wants_either_a_clip_or_a_store(arguments: tuple[str, ...]) -> None:
    assert "Give either one media file, or --store with --out." in said("infer", "--model", "run", *arguments)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")
def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    sentence = "back-end is not installed; install it with: uv pip install -e '.[train]'"
    assert sentence in said("train", "--store", str(tmp_path), "--out", str(tmp_path / "r"))
    assert sentence in said("infer", "--model", str(tmp_path), "--store", str(tmp_path), "--out", str(tmp_path / "a"))


@torch_is_here
def test_ctrl_c_ends_a_run_with_a_checkpoint_and_the_same_command_goes_on(tmp_path: Path) -> None:
    from storage.store import Store
    from tests.flows.trained import annotated, draw_features

    lab: Lab = annotated(tmp_path, 2)
    draw_features(Store.open(lab.store))
    run = tmp_path / "run"
    constant = ("--set", "log_every=1", "--set", "schedule=constant", "--set", "warmup_steps=5")
    command = ["train", "--store", str(lab.store), "--out", str(run), *SMALL, *constant, "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *command, "--steps", "5000"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    _wait_for_steps(run / "events.jsonl", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 4, err
    assert "Stopping after this step" in err
    step = json.loads(out)["step"]
    assert 0 < step < 5000
    assert (run / "checkpoints" / f"step-{step:09d}.safetensors").is_file()

    more = str(step + 2)
    again = mercap(*command, "--steps", more)
    assert (again.returncode, json.loads(again.stdout)["step"]) == (0, step + 2), again.stderr
    answers = str(tmp_path / "answers.jsonl")
    asked = mercap("infer", "--model", str(run), "--store", str(lab.store), "--out", answers, "--max-new-tokens", "4")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith(f"{answers}: 2 clips answered, 2 of them now, by step {more}.")
    assert "Traceback" not in asked.stderr


def _wait_for_steps(events: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        if events.exists() and '"step", "step": 2' in events.read_text():
            return
        time.sleep(0.2)
    pytest.fail("no step was made within 240 s")
