"""One sampled video frame, as the measures read it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Frame(NamedTuple):
    """A frame at its presentation time; ``image`` is height x width x 3, blue-green-red, 8 bits."""

    time_s: float
    image: NDArray[np.uint8]
