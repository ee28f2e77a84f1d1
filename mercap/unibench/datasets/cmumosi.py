"""CMU-MOSI, the test split: people giving opinions on film.

Task: sentiment, a number; weighted F1 (WAF) and accuracy of positive against negative.
Split: test (`test_corpus`).
Clips: 686.
Scored: 656: gold of exactly 0 is left out.
Labels: none; sentiment from -3 to 3 (`val`).
Source: monologues from YouTube, English speech.
Licence: unknown here; see the CMU Multimodal SDK. The videos belong to those who uploaded them.
How to obtain: CMU Multimodal SDK (github.com/A2Zadeh/CMU-MultimodalSDK); clips with the MER-UniBench bundle; the labels
    alone in MERTools, `MERBench/dataset`.
Folder: `cmumosi-process/label.npz`, or `cmumosi.csv`.
Overlap: with the other sets unknown; the classifiers that filtered MER-Caption+ may have used its training split.
Quirks: "neutral" and every other answer that is not "positive" count as negative, as published. `emo` in the archive is
    0 everywhere and means nothing. Names are a YouTube id and a number: clips of one video are not independent.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="cmumosi",
    title="CMU-MOSI",
    task=Task.SENTIMENT,
    split="test",
    clips=686,
    scored=656,
    folder="cmumosi-process",
    file="label.npz",
    card=__doc__ or "",
    corpus="test_corpus",
    scale=(-3.0, 3.0),
)
