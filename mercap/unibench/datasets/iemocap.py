"""IEMOCAP, session 5, four classes: actors in pairs.

Task: one basic emotion per clip; hit rate on the five wheels.
Split: session 5 (names beginning with `Ses05` in `whole_corpus`).
Clips: 1,241.
Scored: 857: no wheel holds "neutral".
Labels: happy 442, sad 245, neutral 384, anger 170; in the archive as 0 to 3, in this order.
Source: acted dialogues of ten actors at the University of Southern California, improvised and scripted; English speech.
Licence: release form of the university (USC SAIL); what else it says is unknown here.
How to obtain: by the release form from sail.usc.edu/iemocap; the selection with the MER-UniBench bundle; the labels
    alone in MERTools, `MERBench/dataset`.
Folder: `iemocap-process/label_4way.npz`, or `iemocap.csv` (of session 5 alone).
Overlap: with the other sets none is known. The classifiers that filtered MER-Caption+ were probably trained on the
    other sessions (inferred).
Quirks: "happy" includes "excited" (the paper says surprise, the data say excitement). Session 5 has 2,193 raw clips;
    the selection is only in the preprocessing of MERBench. The same folder holds `label_6way.npz`, which is another
    task. `val` in the archive is -10 everywhere and means nothing. Clips of one dialogue are not independent.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="iemocap",
    title="IEMOCAP",
    task=Task.DISCRETE,
    split="session 5",
    clips=1241,
    scored=857,
    folder="iemocap-process",
    file="label_4way.npz",
    card=__doc__ or "",
    corpus="whole_corpus",
    prefix="Ses05",
    labels=("happy", "sad", "neutral", "anger"),
    integer_labels=True,
    counts=(442, 245, 384, 170),
)
