"""CH-SIMS v2, the test split of its supervised part.

Task: sentiment, a number; weighted F1 (WAF) and accuracy of positive against negative.
Split: test (`test_corpus`).
Clips: 1,034.
Scored: 911: gold of exactly 0 is left out.
Labels: none; sentiment from -1 to 1 (`val`).
Source: films, television and shows; Chinese speech, scored with English translations of it.
Licence: unknown.
How to obtain: github.com/thuiar/ch-sims-v2 links the clips; also with the MER-UniBench bundle; the labels alone in
    MERTools, `MERBench/dataset`.
Folder: `simsv2-process/label.npz`, or `simsv2.csv`.
Overlap: it extends CH-SIMS; which clips of either test split are in the other's splits is unknown. With the MER sets,
    also from films and television, unknown.
Quirks: "neutral" and every other answer that is not "positive" count as negative, as published. `emo` in the archive is
    0 everywhere and means nothing.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="simsv2",
    title="CH-SIMS v2",
    task=Task.SENTIMENT,
    split="test",
    clips=1034,
    scored=911,
    folder="simsv2-process",
    file="label.npz",
    card=__doc__ or "",
    corpus="test_corpus",
    scale=(-1.0, 1.0),
)
