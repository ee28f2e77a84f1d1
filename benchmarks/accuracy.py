"""How accurate the embedded measures are on generated voices and drawn faces, whose truth is known.

    python -m benchmarks.accuracy [--seed N] [--voices 120] [--clips 72] [--pairs 200] [--quick] [--workers 2] [--json]

Every parameter is drawn anew in every run; the seed is printed, and the same seed gives the same figures again. What it
means and what it does not is in `docs/accuracy.md`. Generated material only: quality on real faces and voices is
not measured here.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import cv2
import numpy as np

from benchmarks.generated.pairs import PairOutcome, draw_pairs, measure_pair, still_figures, synchrony_figures
from benchmarks.generated.pitch import PitchOutcome, measure_pitch, pitch_figures
from benchmarks.generated.readings import GLIMPSE, KINDS, ClipOutcome, face_figures, measure_film
from benchmarks.generated.scores import Figures
from benchmarks.generated.table import table

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Sizes:
    """How much is generated: ``glimpses`` are short clips, of ``pairs`` there are as many with a foreign voice."""

    voices: int
    clips: int
    glimpses: int
    pairs: int
    seconds: tuple[float, float]  # length of a clip
    pictures: tuple[tuple[int, int], ...]  # width and height, at most 640 x 480


FULL = Sizes(120, 72, 60, 200, (3.0, 5.0), ((480, 360), (640, 360), (640, 480)))
QUICK = Sizes(12, 9, 60, 48, (2.6, 3.0), ((480, 360),))
GLIMPSE_S = (0.2, 0.4)


@dataclass(frozen=True)
class Outcomes:
    """What was measured, before it is counted; pairs hold the place of their clips in ``talks``."""

    voices: Sequence[PitchOutcome]
    clips: Sequence[ClipOutcome]
    own: Sequence[PairOutcome]
    foreign: Sequence[PairOutcome]

    @property
    def talks(self) -> list[ClipOutcome]:
        return speaking(self.clips)


def generate(pool: Executor, seed: int, sizes: Sizes) -> Outcomes:
    """Generate and measure everything; the same seed and sizes give the same outcomes."""
    for_voices, for_clips, for_pairs = np.random.SeedSequence(seed).spawn(3)
    draw = np.random.default_rng(for_pairs)
    clips = film_outcomes(pool, for_clips, sizes)
    voices = list(pool.map(measure_pitch, for_voices.spawn(sizes.voices), chunksize=4))
    own, foreign = (pair_outcomes(pool, draw, speaking(clips), sizes.pairs, own=one) for one in (True, False))
    return Outcomes(voices, clips, own, foreign)


def figures(outcomes: Outcomes, seed: int) -> Figures:
    draw = np.random.default_rng(seed)  # of the bootstrap alone
    return {
        "seed": seed,
        "voices": pitch_figures(outcomes.voices),
        "faces": face_figures(outcomes.clips),
        "synchrony": {
            **synchrony_figures(outcomes.talks, outcomes.own, outcomes.foreign, draw),
            "still_mouths": still_figures(outcomes.clips),
        },
    }


def speaking(clips: Sequence[ClipOutcome]) -> list[ClipOutcome]:
    return [clip for clip in clips if clip.kind == "speaking"]


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Fresh processes: OpenCV's and ONNX's threads do not survive a fork."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=fresh, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield pool


def film_outcomes(pool: Executor, seed: np.random.SeedSequence, sizes: Sizes) -> list[ClipOutcome]:
    """Kinds take turns, and codecs within each kind."""
    kinds = [KINDS[number % len(KINDS)] for number in range(sizes.clips)] + [GLIMPSE] * sizes.glimpses
    codecs = [kinds[:number].count(kind) for number, kind in enumerate(kinds)]
    lengths = [GLIMPSE_S if kind == GLIMPSE else sizes.seconds for kind in kinds]
    jobs = zip(seed.spawn(len(kinds)), kinds, codecs, lengths, strict=True)
    return _all(pool, measure_film, ((*job, sizes.pictures) for job in jobs))


def pair_outcomes(
    pool: Executor, draw: np.random.Generator, talks: Sequence[ClipOutcome], count: int, *, own: bool
) -> list[PairOutcome]:
    """Pairs of speaking clips with their own or with another clip's voice."""
    pairs = draw_pairs(draw, len(talks), count, own=own)
    jobs = ((pair, talks[pair.face].report, talks[pair.face].audio, talks[pair.voice].audio) for pair in pairs)
    return _all(pool, measure_pair, jobs)


def _all(pool: Executor, work: Callable[..., Answer], jobs: Iterable[tuple[Any, ...]]) -> list[Answer]:
    return [future.result() for future in [pool.submit(work, *job) for job in jobs]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="without it a fresh one is drawn, and printed")
    parser.add_argument("--voices", type=int)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--pairs", type=int, help="with the own voice, and as many with another clip's")
    parser.add_argument("--quick", action="store_true", help="small sizes: half a minute")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    usual = QUICK if given.quick else FULL
    asked = {name: getattr(given, name) for name in ("voices", "clips", "pairs") if getattr(given, name) is not None}
    sizes = replace(usual, **asked)
    if sizes.clips < len(KINDS):
        parser.error(f"--clips must be at least {len(KINDS)}: one of each kind, and voices to pair")
    seed = secrets.randbits(32) if given.seed is None else given.seed
    started = time.perf_counter()
    with processes(given.workers) as pool:
        found = figures(generate(pool, seed, sizes), seed)
    found["wall_s"] = time.perf_counter() - started
    print(json.dumps(found) if given.json else table(found))


if __name__ == "__main__":
    main()
