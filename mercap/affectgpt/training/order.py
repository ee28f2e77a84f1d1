"""Every random number of a run, as a function of its seed and of where in the run it is drawn.

Nothing is drawn from a stream that goes on, so nothing of it need be kept: a resumed run draws what it would have
drawn, with any number of threads, processes or devices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mercap.affectgpt.example import Target

_ORDER, _DROPOUT = 1, 2  # one branch of the seed for each use


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order in which ``count`` examples are seen in this epoch."""
    sequence = np.random.SeedSequence([seed, _ORDER, epoch])
    return np.random.Generator(np.random.Philox(sequence)).permutation(count)


def choose_target(seed: int, epoch: int, clip: str, targets: Sequence[Target]) -> Target:
    """Which of its targets a clip is asked for in this epoch, each as likely as the others.

    By a hash and not by a generator: one call takes a microsecond, and there is one per clip and epoch.
    """
    if len(targets) == 1:
        return targets[0]
    drawn = hashlib.blake2b(f"target {seed} {epoch} {clip}".encode(), digest_size=8).digest()
    return targets[int.from_bytes(drawn) % len(targets)]


def dropout_seed(seed: int, step: int, number: int) -> int:
    """Where dropout starts in the ``number``-th batch of a step, counted over all devices."""
    drawn: Any = np.random.SeedSequence([seed, _DROPOUT, step, number]).generate_state(1, np.uint64)
    return int(drawn[0] >> 1)  # torch takes 63 bits
