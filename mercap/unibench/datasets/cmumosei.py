"""CMU-MOSEI, the test split: people talking to a camera.

Task: sentiment, a number; weighted F1 (WAF) and accuracy of positive against negative.
Split: test (`test_corpus`).
Clips: 4,659.
Scored: 3,634: gold of exactly 0 is left out.
Labels: none; sentiment from -3 to 3 (`val`).
Source: monologues from YouTube on many subjects, English speech.
Licence: unknown here; see the CMU Multimodal SDK. The videos belong to those who uploaded them.
How to obtain: CMU Multimodal SDK (github.com/A2Zadeh/CMU-MultimodalSDK); clips with the MER-UniBench bundle; the labels
    alone in MERTools, `MERBench/dataset`.
Folder: `cmumosei-process/label.npz`, or `cmumosei.csv`.
Overlap: with the other sets unknown; the classifiers that filtered MER-Caption+ may have used its training split.
Quirks: "neutral" and every other answer that is not "positive" count as negative, as published. `emo` in the archive is
    0 everywhere and means nothing. Clips of one video are not independent.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="cmumosei",
    title="CMU-MOSEI",
    task=Task.SENTIMENT,
    split="test",
    clips=4659,
    scored=3634,
    folder="cmumosei-process",
    file="label.npz",
    card=__doc__ or "",
    corpus="test_corpus",
    scale=(-3.0, 3.0),
)
