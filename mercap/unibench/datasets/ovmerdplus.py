"""OV-MERD+: any number of emotion words per clip, checked by people.

Task: open vocabulary; F, precision and recall of sets of groups on the five wheels.
Split: all.
Clips: 532.
Scored: unknown, since the gold labels of 200 clips are not public; a clip without any label a wheel holds is not.
Labels: open. The 332 public clips have 248 different words, 3.38 per clip on average; the paper counts 236 categories,
    1 to 9 per clip.
Source: Chinese films and television: 332 clips of MER2023 (`sample_`) and 200 of the MER2025 pool (`samplenew3_`).
Licence: the EULA of MER2023 for the first, CC BY-NC 4.0 for the pool; academic research only.
How to obtain: with the MER-UniBench bundle (a link of its own on Baidu Netdisk and TeraBox) from the AffectGPT
    repository; labels of the 332 clips in MERTools, `MER2024/ov_store`.
Folder: `ovmerdplus-process/ovlabel.csv` (`name,openset`), or `ovmerdplus.csv`.
Overlap: all 332 `sample_` clips are in the training split of MER2023; none is a test clip of MER2023 or MER2024. At
    least one of the others (`samplenew3_00113347`) was in MER-Caption+, on which AffectGPT was trained, and by the
    counts of third parties about 90 of the 200 were. Scores of models trained on MER-Caption+ are suspect.
Quirks: a clip with an empty list stands for "neutral", which no wheel holds, so it is not scored. About 13 % of the
    gold words of the 332 clips are outside the official tables. OV-MERD was called EMER before.
"""

from __future__ import annotations

from mercap.unibench.datasets.dataset import Dataset
from mercap.unibench.protocols import Task

DATASET = Dataset(
    name="ovmerdplus",
    title="OV-MERD+",
    task=Task.OV,
    split="all",
    clips=532,
    scored=None,
    folder="ovmerdplus-process",
    file="ovlabel.csv",
    card=__doc__ or "",
)
