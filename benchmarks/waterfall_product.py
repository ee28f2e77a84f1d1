"""The row under the waterfall: the shipped loop itself, `mercap.affectgpt.training.loop.fit`, on the same clips.

It is the fast recipe with compiled blocks: what the last rungs show should be what `mercap train` does.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.waterfall import random_model
from benchmarks.waterfall_batches import Draws
from benchmarks.waterfall_rows import Setting
from mercap.affectgpt.example import Target
from mercap.affectgpt.lora import make_trainable
from mercap.affectgpt.presets import PRESETS
from mercap.affectgpt.prompt import Row
from mercap.affectgpt.training.events import Event
from mercap.affectgpt.training.loop import fit
from mercap.affectgpt.training.options import fast

PRODUCT = "mercap train"
BURST = 5  # steps between two looks at the clock
STEPS = 100_000  # more than there is time for


class DrawnData:
    """Random rows, as the loop reads its data (`mercap.affectgpt.data.TrainingData`)."""

    def __init__(self, draws: Draws, config: Any) -> None:
        self.config, self.features, self.digest = config, draws.features, "random"
        self._rows = draws.rows

    def __len__(self) -> int:
        return len(self._rows)

    def clip(self, place: int) -> str:
        return self._rows[place].clip

    def targets(self, place: int) -> tuple[Target, ...]:  # noqa: ARG002 - a row has its answer already
        return ("description",)

    def length(self, place: int, target: Target) -> int:  # noqa: ARG002
        return len(self._rows[place].ids)

    def row(self, place: int, target: Target) -> Row:  # noqa: ARG002
        return self._rows[place]


def product_row(setting: Setting, draws: Draws) -> dict[str, Any]:
    """A row like those of `benchmarks.waterfall_rows`; the first burst, in which kernels are made, is not counted."""
    config = PRESETS[setting.preset](lora_dropout=0.0)
    torch.manual_seed(0)
    kind = torch.bfloat16 if setting.device == "cuda" else torch.float32
    model = make_trainable(random_model(config, kind, "sdpa", setting.device))
    options = fast(
        steps=STEPS, pack_tokens=setting.tokens, compile=setting.device == "cuda", device=setting.device,
        log_every=BURST, checkpoint_every=STEPS, peak_tflops=setting.peak,
    )  # fmt: skip
    data: Any = DrawnData(draws, config)
    stop, steps = threading.Event(), []
    with tempfile.TemporaryDirectory(prefix="mercap-waterfall-") as folder:
        started = time.perf_counter()
        for event in fit(model, data, options, Path(folder), stop=stop):
            if event.kind != "step":
                continue
            if event.step == 1:
                first_s, started = (time.perf_counter() - started) / BURST, time.perf_counter()
            if event.step > BURST:
                steps.append(event)
            if steps and time.perf_counter() - started > setting.seconds:
                stop.set()
    return {"row": PRODUCT, **rates(steps), "first_step_s": first_s}


def rates(steps: list[Event]) -> dict[str, Any]:
    """Of all steps together. Each event has the speed of its own burst."""
    clips, tokens = (sum(value or 0 for value in column) for column in zip(*((one.clips, one.tokens) for one in steps),
                                                                           strict=True))  # fmt: skip
    times = [(one.clips or 0) / (one.clips_per_s or 1.0) for one in steps]
    wall_s = sum(times)
    waiting = sum((one.waiting or 0.0) * taken for one, taken in zip(steps, times, strict=True)) / wall_s
    used = None
    if steps[-1].mfu is not None:
        used = sum((one.mfu or 0.0) * taken for one, taken in zip(steps, times, strict=True)) / wall_s
    return {
        "clips_per_s": clips / wall_s, "tokens_per_s": tokens / wall_s, "steps": len(steps),
        "step_s": wall_s / len(steps), "clips_per_step": clips / len(steps), "data_wait": waiting, "mfu": used,
        "memory_gb": steps[-1].memory_gb,
    }  # fmt: skip
