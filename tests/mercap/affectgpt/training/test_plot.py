"""The loss as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from mercap.affectgpt.training.events import Event
from mercap.affectgpt.training.plot import plot_loss, running_mean
from mercap.errors import UsageError


def test_a_run_is_drawn_and_a_lower_loss_is_drawn_lower(tmp_path: Path) -> None:
    runs = {"high": 2.0, "low": 0.5}
    for name, loss in runs.items():
        events = [Event("step", step, loss=2.0 if step == 1 else loss, lr=1e-5) for step in range(1, 101)]
        plot_loss([*events, Event("done", 100)], tmp_path / f"{name}.png")
    heights = {}
    for name in runs:
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.size == (960, 540)
            column = [image.convert("RGB").getpixel((480, y)) for y in range(540)]
        heights[name] = next(y for y, colour in enumerate(column) if is_blue(colour))
    assert heights["low"] > heights["high"] + 100  # rows are counted from above


def is_blue(colour: object) -> bool:
    assert isinstance(colour, tuple)
    red, _, blue = colour
    return bool(blue - red > 60)


def test_a_running_mean_looks_back_only() -> None:
    assert running_mean([4.0, 2.0, 6.0, 8.0], 2) == [4.0, 3.0, 4.0, 7.0]
    assert running_mean([4.0, 2.0], 10) == [4.0, 3.0]


def test_a_run_without_a_step_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has not made a step"):
        plot_loss([Event("done", 0)], tmp_path / "loss.png")
