"""MER2024, the test split of track MER-SEMI.

Task: one basic emotion per clip; hit rate on the five wheels.
Split: MER-SEMI test (`test1_corpus`).
Clips: 1,169.
Scored: unknown, since the gold labels are not public; clips that are neutral are not scored.
Labels: worried, happy, neutral, angry, surprise, sad, as in MER2023; how many of each is unknown.
Source: Chinese films and television; Chinese speech, scored with English translations of it.
Licence: CC BY-NC 4.0 and the EULA of the organisers: academic research only, no redistribution.
How to obtain: gated on Hugging Face (MERChallenge/MER2024), or with the MER-UniBench bundle (Baidu Netdisk, TeraBox)
    linked from the AffectGPT repository. Without the bundle there are no gold labels.
Folder: `mer2024-dataset-process/label-6way.npz`, or `mer2024.csv`.
Overlap: MER-Caption was made from the unlabelled part of MER2024; whether test clips are among it is unknown. No
    overlap with OV-MERD+.
Quirks: 1,089 names begin with `samplenew_`, 80 with `sample_`. Archives made from a release without test labels
    hold "neutral" for every test clip, as a placeholder; `check_gold` says so. Users who ran the released weights anew
    report 66.9 where 78.8 was published.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="mer2024",
    title="MER2024",
    task=Task.DISCRETE,
    split="MER-SEMI test",
    clips=1169,
    scored=None,
    folder="mer2024-dataset-process",
    file="label-6way.npz",
    card=__doc__ or "",
    corpus="test1_corpus",
    labels=("worried", "happy", "neutral", "angry", "surprise", "sad"),
)
