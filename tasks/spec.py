"""One cell to compute, as a step gets it."""

from __future__ import annotations

from typing import NamedTuple

from mercap.stages import Stage
from tasks.clips import Clip


class CellSpec(NamedTuple):
    """``place`` is the clip's in the plan; ``inputs`` made the id."""

    stage: Stage
    clip: Clip
    place: int
    cell_id: str
    inputs: tuple[str, ...]
