"""A small CLIP with weights that were never trained: features of pictures without any download.

For tests, demonstrations and machines without a network. Random features keep what is where and how bright, so a
linear probe reads a smile from them; they know nothing of the world. Mean pooling over all patches loses the smile,
so patches are pooled row by row: 4 rows x 64 numbers. The weights are drawn from raw Philox bits, which no version of
NumPy or torch changes. 2 ms per clip on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPVisionConfig, CLIPVisionModel

from mercap.affectgpt.encoders.frozen import FrozenEncoder
from mercap.affectgpt.encoders.options import EncoderOptions, digest_arrays
from mercap.affectgpt.encoders.pictures import Normalise, Preprocessing
from mercap.media.sampling import Sample

SEED = 0x636C6970
ROWS = 4
WIDTH = 64
_LAYERS = 2
_PREPROCESSING = Preprocessing(32, "bicubic", 1 / 255, (0.48145466, 0.4578275, 0.40821073),
                               (0.26862954, 0.26130258, 0.27577711))  # fmt: skip


class ClipRowsEncoder(FrozenEncoder):
    """8 pictures of 32 x 32 -> 8 x 256."""

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__(options)
        config = CLIPVisionConfig(
            image_size=_PREPROCESSING.side,
            patch_size=_PREPROCESSING.side // ROWS,
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=4,
            projection_dim=WIDTH,
        )
        self.model = CLIPVisionModel(config)
        weights = drawn_weights({name: tuple(one.shape) for name, one in self.model.named_parameters()}, config)
        self.model.load_state_dict({name: torch.from_numpy(one) for name, one in weights.items()})
        self.normalise = Normalise(_PREPROCESSING)
        self.sampling = _PREPROCESSING.sampling(options.crop)
        self.steps, self.dim = self.sampling.pictures, ROWS * WIDTH
        self.made_of = {"model": "random", "revision": digest_arrays(weights), "pool": "rows4",
                        **_PREPROCESSING.identity}  # fmt: skip
        self.model.to(self.dtype)
        self.freeze()

    def forward(self, samples: Sequence[Sample]) -> torch.Tensor:
        seen = self.model(pixel_values=self.normalise(samples).to(self.dtype)).last_hidden_state[:, 1:]
        rows = seen.unflatten(1, (ROWS, ROWS)).mean(dim=2)
        return rows.flatten(1).unflatten(0, (len(samples), self.steps))


def drawn_weights(shapes: dict[str, tuple[int, ...]], config: Any) -> dict[str, NDArray[np.float32]]:
    """Weights by name: uniform, with the standard deviations that transformers gives CLIP; biases 0, norms 1."""
    bits = np.random.Philox(key=SEED)
    weights = {}
    for name in sorted(shapes):
        if name.endswith("bias"):
            weights[name] = np.zeros(shapes[name], np.float32)
        elif "norm" in name:
            weights[name] = np.ones(shapes[name], np.float32)
        else:
            weights[name] = _uniform(bits, shapes[name], _deviation(name, config))
    return weights


def _deviation(name: str, config: Any) -> float:
    """As CLIPPreTrainedModel initialises them (transformers 5)."""
    width, depth = float(config.hidden_size), float(2 * config.num_hidden_layers)
    if "embedding" in name:
        return width**-0.5 if "class" in name else 0.02
    if "fc1" in name:
        return float((2 * width) ** -0.5)
    return float(width**-0.5) if "out_proj" in name else float(width**-0.5 * depth**-0.5)


def _uniform(bits: np.random.Philox, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
    """From the upper 53 of 64 random bits: exact arithmetic, the same everywhere."""
    count = int(np.prod(shape))
    share = (np.asarray(bits.random_raw(count), np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    values = (2.0 * share - 1.0) * (3.0**0.5 * deviation)
    return np.asarray(values, np.float32).reshape(shape)
