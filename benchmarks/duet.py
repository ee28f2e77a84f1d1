"""Duet: whether meaning that lies in the combination of face and voice is learnt, by each way of fusing them.

    python -m benchmarks.duet [--seeds 3] [--task congruence synchrony] [--arm late attention ...]
                              [--figure docs/duet.png] [--json]

Clips are drawn (`benchmarks.generated.duet`), encoded by the encoders that need no download, stored, and learnt by
small models (`benchmarks.duet_arms`), all with the shipped parts: encoders, feature store, prompts, model, adapters,
training loop, generation. What the figures mean, and what they do not, is in docs/duet.md.

Printed: what linear probes find in the features, then for each arm the steps to 90 % of the test clips and the
accuracy on the way. Exits with 1 where a bound is missed. Half an hour beside other work; a run of one arm and seed
takes some 20 s of a core.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mercap.backends.torchaudio_repair import repair_torchaudio

repair_torchaudio()  # before transformers, which asks for torchaudio wherever it is installed

import torch  # noqa: E402

from benchmarks.duet_arms import ARMS, Curve, train_arm  # noqa: E402
from benchmarks.duet_features import Probes, World, make_world, probe_world  # noqa: E402
from benchmarks.generated.duet import TASKS, Task  # noqa: E402

STEPS: dict[Task, int] = {"congruence": 240, "synchrony": 240}
REACHED = 0.90


class Bound(NamedTuple):
    """What an arm's accuracy at a step must be, for every seed: at least, or at most."""

    task: Task
    arm: str
    step: int
    least: float = 0.0
    most: float = 1.0


EARLY = 80
BOUNDS: tuple[Bound, ...] = (
    Bound("congruence", "attention", EARLY, least=0.80),
    Bound("congruence", "late", EARLY, most=0.60),
    Bound("congruence", "late", STEPS["congruence"], least=0.90),  # it is slow, not crippled
    Bound("synchrony", "aligned", STEPS["synchrony"], least=0.95),
    Bound("synchrony", "late", STEPS["synchrony"], most=0.60),
    Bound("synchrony", "late_mlp", STEPS["synchrony"], most=0.60),
    Bound("synchrony", "additive", STEPS["synchrony"], most=0.60),
    Bound("synchrony", "attention", STEPS["synchrony"], most=0.60),
)
PROBE_LEAST = 0.99
CHANCE = (0.44, 0.56)  # of a label that is not there, on 512 clips: 2.7 deviations either way


def halts(task: Task) -> list[int]:
    """The steps after which the test clips are answered: close together at first, where arms differ."""
    return [step for step in range(20, STEPS[task] + 1, 20) if step <= 120 or step % 40 == 0]


def broken(curves: Iterable[Curve], task: Task, bounds: Iterable[Bound] = BOUNDS) -> list[str]:
    """The bounds that these curves miss, as sentences."""
    found = []
    for curve in curves:
        for bound in bounds:
            if (bound.task, bound.arm) != (task, curve.arm):
                continue
            value = curve.at(bound.step)
            if not bound.least <= value <= bound.most:
                found.append(
                    f"{task}, {curve.arm}, seed {curve.seed}: {value:.2f} at step {bound.step}, "
                    f"not within {bound.least:.2f} to {bound.most:.2f}"
                )
    return found


def broken_probes(probes: Probes, task: Task) -> list[str]:
    """Cues that cannot be read, and labels that can be read from one stream or both without combining them."""
    cues = {"expression": probes.expression, "tone": probes.tone}
    labels = {"face": probes.label_from_face, "voice": probes.label_from_voice, "both": probes.label_from_both}
    return [
        *(f"{task}: a probe reads the {name} in {value:.3f}" for name, value in cues.items() if value < PROBE_LEAST),
        *(
            f"{task}: a probe of {name} finds the label in {value:.2f}"
            for name, value in labels.items()
            if not CHANCE[0] <= value <= CHANCE[1]
        ),
    ]


def measure(task: Task, arms: Iterable[str], seeds: int, folder: Path) -> dict[str, Any]:
    """Everything about these arms on one task; runs and features go to ``folder``."""
    world = make_world(folder / "store", task)
    probes = probe_world(world)
    curves = [curve for arm in arms for curve in train_seeds(world, arm, range(seeds), folder)]
    return {
        "task": task, "probes": probes._asdict(), "curves": [as_json(curve) for curve in curves],
        "broken": [*broken_probes(probes, task), *broken(curves, task)],
    }  # fmt: skip


def train_seeds(world: World, arm: str, seeds: Iterable[int], folder: Path) -> list[Curve]:
    """An arm's curves; seed by seed, since a core is all that one needs."""
    curves = []
    for seed in seeds:
        curves.append(train_arm(world, arm, seed, halts(world.task), folder / f"{world.task}-{arm}-{seed}"))
        print(f"{world.task:<12}{arm:<11}{seed:>3}  {_course(curves[-1])}", file=sys.stderr, flush=True)
    return curves


def _course(curve: Curve) -> str:
    return " ".join(f"{point.accuracy:.2f}" for point in curve.points)


def as_json(curve: Curve) -> dict[str, Any]:
    steps = curve.steps_to(REACHED)
    return {**curve._asdict(), "points": [list(point) for point in curve.points], "steps_to_90": steps}


def show(found: dict[str, Any]) -> None:
    print(f"{found['task']}: " + ", ".join(f"{name} {value:.3f}" for name, value in found["probes"].items()))
    print(f"{'arm':<11}{'trained':>9}  {'steps to 90 %, by seed':<28}{f'at {EARLY}':>8}{'at the end':>12}")
    for arm in dict.fromkeys(curve["arm"] for curve in found["curves"]):
        curves = [curve for curve in found["curves"] if curve["arm"] == arm]
        needed = " ".join("-" if curve["steps_to_90"] is None else str(curve["steps_to_90"]) for curve in curves)
        half = fmean(value for curve in curves for step, value in curve["points"] if step == EARLY)
        end = fmean(curve["points"][-1][1] for curve in curves)
        print(f"{arm:<11}{curves[0]['trained']:>9,}  {needed:<28}{half:>8.2f}{end:>12.2f}")
    for sentence in found["broken"]:
        print(f"MISSED: {sentence}")


def plot(found: list[dict[str, Any]], path: Path) -> None:
    """A panel per task: the mean over seeds as a line, every seed as a thin one."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for axes, task in zip(panels, found, strict=True):
        for number, arm in enumerate(dict.fromkeys(curve["arm"] for curve in task["curves"])):
            curves = [curve["points"] for curve in task["curves"] if curve["arm"] == arm]
            steps = [0, *(step for step, _ in curves[0])]
            values = [[0.5, *(value for _, value in points)] for points in curves]
            colour = f"C{number}"
            for one in values:
                axes.plot(steps, one, color=colour, linewidth=0.5, alpha=0.4)
            axes.plot(steps, [fmean(column) for column in zip(*values, strict=True)], color=colour, label=arm)
        axes.set_title(task["task"])
        axes.set_xlabel("training step")
        axes.set_ylim(0.4, 1.02)
    panels[0].set_ylabel("test clips answered rightly")
    panels[0].legend(loc="lower right", fontsize="small")
    FigureCanvasAgg(figure).print_figure(path, format="png", dpi=100)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--arm", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--figure", type=Path, help="write the curves as a PNG")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # so small a model gains nothing from more, and loses bits
    with tempfile.TemporaryDirectory(prefix="mercap-duet-") as name:
        found = [measure(task, arguments.arm, arguments.seeds, Path(name) / task) for task in arguments.task]
    if arguments.figure:
        plot(found, arguments.figure)
    if arguments.json:
        print(json.dumps(found))
    else:
        for task in found:
            show(task)
    return int(any(task["broken"] for task in found))


if __name__ == "__main__":
    sys.exit(main())
