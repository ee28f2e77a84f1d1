"""The learning rate of every step, in closed form."""

from __future__ import annotations

import math

from mercap.affectgpt.training.options import TrainingOptions


def learning_rate(options: TrainingOptions, step: int) -> float:
    """The rate of step 0, 1, ... ``steps`` - 1.

    Step s of w warm-up steps has (s + 1) / w of ``lr``, so that none has 0 and step w - 1 has all of it. A cosine goes
    from ``lr`` at step w to ``lr_last`` at the last one.
    """
    if step < options.warmup_steps:
        return options.lr * (step + 1) / options.warmup_steps
    if options.schedule == "constant":
        return options.lr
    span = options.steps - 1 - options.warmup_steps
    done = min(1.0, (step - options.warmup_steps) / span) if span else 1.0
    return options.lr_last + (options.lr - options.lr_last) * (1 + math.cos(math.pi * done)) / 2
