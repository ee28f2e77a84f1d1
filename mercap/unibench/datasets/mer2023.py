"""MER2023, the test split of track MER-MULTI.

Task: one basic emotion per clip; hit rate on the five wheels.
Split: MER-MULTI test (`test1_corpus`).
Clips: 411.
Scored: 323, on wheel 5 only 305: no wheel holds "neutral", and wheel 5 does not hold "surprise".
Labels: worried 57, happy 93, neutral 88, angry 105, surprise 18, sad 50; in the archive as words.
Source: Chinese films and television; Chinese speech, scored with English translations of it.
Licence: EULA of the organisers: academic research only, no redistribution of data or labels; labels also lie in a
    repository under Apache-2.0 (MERTools), which does not lift the EULA of the clips.
How to obtain: gated on Hugging Face (MERChallenge/MER2023), or with the MER-UniBench bundle (Baidu Netdisk, TeraBox)
    linked from the AffectGPT repository; the labels alone in MERTools, `MERBench/dataset`.
Folder: `mer2023-dataset-process/label-6way.npz`, or `mer2023.csv`.
Overlap: the training split holds all 332 `sample_` clips of OV-MERD+, the test split none. The classifiers that
    filtered MER-Caption+ were probably trained on the training split (inferred, not published).
Quirks: the archive also has `val` (valence), which is not used. With 323 scored clips a hit rate is sure to about 4.5
    points; differences of 1 or 2 points between systems mean nothing here.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="mer2023",
    title="MER2023",
    task=Task.DISCRETE,
    split="MER-MULTI test",
    clips=411,
    scored=323,
    folder="mer2023-dataset-process",
    file="label-6way.npz",
    card=__doc__ or "",
    corpus="test1_corpus",
    labels=("worried", "happy", "neutral", "angry", "surprise", "sad"),
    counts=(57, 93, 88, 105, 18, 50),
)
