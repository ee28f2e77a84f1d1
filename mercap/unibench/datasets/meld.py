"""MELD, the test split: conversations of the series Friends.

Task: one basic emotion per clip; hit rate on the five wheels.
Split: test (`test_corpus`), 280 dialogues.
Clips: 2,610.
Scored: 1,354, on wheel 3 only 1,286 and on wheel 5 only 1,005: no wheel holds "neutral", wheels 3 and 5 do not hold
    "disgust", and wheel 5 does not hold "surprise".
Labels: anger 345, joy 402, sadness 208, neutral 1,256, disgust 68, fear 50, surprise 281; in the archive as 0 to 6, in
    this order.
Source: Friends (television series), several speakers per dialogue, English speech.
Licence: annotations under GPL-3.0 as the authors' repository states; the clips are excerpts of a series whose rights
    lie elsewhere.
How to obtain: github.com/declare-lab/MELD links the raw clips (MELD.Raw.tar.gz); the selection with the MER-UniBench
    bundle; the labels alone in MERTools, `MERBench/dataset`.
Folder: `meld-process/label.npz`, or `meld.csv`.
Overlap: no training on its training split is known for AffectGPT itself; the classifiers that filtered MER-Caption+
    were probably trained on it (inferred). That language models know the series is likely and not measured.
Quirks: the raw test folder has 2,747 clips; which 2,610 are kept is only in the preprocessing of MERBench. Names are
    `test_dia0_utt0`: clips of one dialogue are not independent. With the word forms of 2025 "fear" stands for "happy"
    in wheels 2 to 5 (an error in the table); mended, scores rise by 0.4 to 1.4 points. `val` in the archive is -10
    everywhere and means nothing.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="meld",
    title="MELD",
    task=Task.DISCRETE,
    split="test",
    clips=2610,
    scored=1354,
    folder="meld-process",
    file="label.npz",
    card=__doc__ or "",
    corpus="test_corpus",
    labels=("anger", "joy", "sadness", "neutral", "disgust", "fear", "surprise"),
    integer_labels=True,
    counts=(345, 402, 208, 1256, 68, 50, 281),
)
