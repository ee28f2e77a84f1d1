"""CH-SIMS, the test split: scenes of Chinese films, series and shows.

Task: sentiment, a number; weighted F1 (WAF) and accuracy of positive against negative.
Split: test (`test_corpus`).
Clips: 457.
Scored: 388: gold of exactly 0 is left out.
Labels: none; sentiment from -1 to 1 in steps of 0.2 (`val`).
Source: films, television and shows; Chinese speech, scored with English translations of it.
Licence: unknown.
How to obtain: github.com/thuiar/MMSA; clips with the MER-UniBench bundle; the labels alone in MERTools,
    `MERBench/dataset`.
Folder: `sims-process/label.npz`, or `sims.csv`.
Overlap: CH-SIMS v2 extends it; which clips of this test split are in the training split of v2 is unknown. With the
    MER sets, also from films and television, unknown.
Quirks: "neutral" and every other answer that is not "positive" count as negative, as published. `emo` in the archive is
    0 everywhere and means nothing. Names are `video_0003_0006`: clips of one video are not independent.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="sims",
    title="CH-SIMS",
    task=Task.SENTIMENT,
    split="test",
    clips=457,
    scored=388,
    folder="sims-process",
    file="label.npz",
    card=__doc__ or "",
    corpus="test_corpus",
    scale=(-1.0, 1.0),
)
