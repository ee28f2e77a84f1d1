"""The nine test sets of MER-UniBench, one file each, in the order of the paper's results."""

from __future__ import annotations

from mercap.unibench.datasets import cmumosei, cmumosi, iemocap, meld, mer2023, mer2024, ovmerdplus, sims, simsv2
from mercap.unibench.datasets.dataset import Dataset, check_gold, find_gold, load_gold

__all__ = ["DATASETS", "Dataset", "check_gold", "find_gold", "load_gold"]

DATASETS: dict[str, Dataset] = {
    "mer2023": mer2023.DATASET,
    "mer2024": mer2024.DATASET,
    "meld": meld.DATASET,
    "iemocap": iemocap.DATASET,
    "cmumosi": cmumosi.DATASET,
    "cmumosei": cmumosei.DATASET,
    "sims": sims.DATASET,
    "simsv2": simsv2.DATASET,
    "ovmerdplus": ovmerdplus.DATASET,
}
