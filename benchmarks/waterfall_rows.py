"""One row of the waterfall after the other: a style is built, warmed up, measured and thrown away."""

from __future__ import annotations

import gc
import math
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from benchmarks.waterfall import Rig, Style, styles, synchroniser
from benchmarks.waterfall_batches import Draws, Given, batches
from mercap.affectgpt.presets import PRESETS
from mercap.affectgpt.training.mfu import Work, count_work
from mercap.affectgpt.training.prefetch import Prefetch

WARM_UP = 4  # steps after the first that are not counted: other shapes, other kernels
AHEAD = 2  # batches put together while the device works
HEAD = f"{'':<19}{'clips/s':>9}{'tokens/s':>10}{'gain':>7}{'MFU':>8}{'GB':>8}{'wait %':>8}{'step s':>9}{'first s':>9}"


class Setting(NamedTuple):
    """What all rows share. ``peak``: 10^12 products per second, None where unknown; ``backend``: of torch.compile."""

    preset: str
    device: str
    seconds: float
    tokens: int
    peak: float | None
    backend: str


def waterfall(setting: Setting, draws: Draws) -> list[dict[str, Any]]:
    """A row per rung; ``gain`` is over the last row that has a rate. Each is written to stderr as it comes."""
    rows: list[dict[str, Any]] = []
    print(HEAD, file=sys.stderr)
    for name, style in styles(setting.device):
        row = _row(name, style, setting, draws)
        rates = [one["clips_per_s"] for one in rows if "clips_per_s" in one]
        if "clips_per_s" in row:
            row["gain"] = row["clips_per_s"] / rates[-1] if rates else 1.0
        rows.append(row)
        print(shown(row), file=sys.stderr, flush=True)  # an error in the last row costs no other
    return rows


def total_gain(rows: list[dict[str, Any]]) -> float:
    """The last rate over the first; the product of all gains must be the same, or a row met a wrong neighbour."""
    rates = [row["clips_per_s"] for row in rows if "clips_per_s" in row]
    product = math.prod(row["gain"] for row in rows if "gain" in row)
    assert math.isclose(product, rates[-1] / rates[0], rel_tol=1e-9), "the gains do not make up the total"
    return float(rates[-1] / rates[0])


def _row(name: str, style: Style | None, setting: Setting, draws: Draws) -> dict[str, Any]:
    if style is None:
        return {"row": name, "skipped": f"does not train on {setting.device}"}
    try:
        return {"row": name, **measure(style, setting, draws)}
    except torch.OutOfMemoryError as error:
        return {"row": name, "skipped": f"out of memory: {str(error).partition('. ')[0]}"}
    finally:
        forget(setting.device)


def forget(device: str) -> None:
    """Gives back what the row before held, and counts memory anew."""
    torch._dynamo.reset()
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def measure(style: Style, setting: Setting, draws: Draws) -> dict[str, Any]:
    """Rates of one style over ``setting.seconds`` of steps."""
    torch.manual_seed(0)
    config = PRESETS[setting.preset]()
    rig = Rig(config, style, setting.device, encoders=setting.preset, backend=setting.backend)
    ready = Prefetch(batches(draws, packed=style.packed, tokens=setting.tokens), AHEAD)
    try:
        return _rates(rig, ready, setting, count_work(rig.model))
    finally:
        ready.close()


def _rates(rig: Rig, ready: Prefetch[Given], setting: Setting, work: Work) -> dict[str, Any]:
    wait = synchroniser(setting.device)
    first_s = _seconds(lambda: rig.step(next(ready)), wait)
    for _ in range(WARM_UP):
        rig.step(next(ready))
    wait()
    taken: list[tuple[int, int, int]] = []
    waited_s, started = ready.waited_s, time.perf_counter()
    while time.perf_counter() - started < setting.seconds:
        given = next(ready)
        rig.step(given)
        taken.append((len(given.batch.clips), given.batch.tokens, given.batch.supervised))
    wait()
    wall_s = time.perf_counter() - started
    clips, tokens, supervised = (sum(column) for column in zip(*taken, strict=True))
    tflop_per_s = work.flops(tokens, supervised) / wall_s / 1e12
    memory_gb = torch.cuda.max_memory_allocated() / 1e9 if setting.device == "cuda" else None
    return {
        "clips_per_s": clips / wall_s, "tokens_per_s": tokens / wall_s, "steps": len(taken),
        "step_s": wall_s / len(taken), "clips_per_step": clips / len(taken), "first_step_s": first_s,
        "data_wait": (ready.waited_s - waited_s) / wall_s, "tflop_per_s": tflop_per_s,
        "mfu": tflop_per_s / setting.peak if setting.peak else None, "memory_gb": memory_gb,
    }  # fmt: skip


def _seconds(work: Callable[[], Any], wait: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - started


def shown(row: dict[str, Any]) -> str:
    """A row under `HEAD`."""
    if "skipped" in row:
        return f"{row['row']:<19}{row['skipped']}"
    mfu = "-" if row["mfu"] is None else f"{row['mfu']:.3f}"
    memory = "-" if row["memory_gb"] is None else f"{row['memory_gb']:.1f}"
    return (
        f"{row['row']:<19}{row['clips_per_s']:>9.2f}{row['tokens_per_s']:>10,.0f}{row['gain']:>7.2f}{mfu:>8}"
        f"{memory:>8}{100 * row['data_wait']:>8.1f}{row['step_s']:>9.4f}{row['first_step_s']:>9.2f}"
    )
