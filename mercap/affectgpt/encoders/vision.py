"""What the encoders of pictures share: 8 pictures of a clip through a vision model of transformers, one after another.

From a folder or the local Hugging Face cache. A clip of 8 pictures costs 1.3 TFLOP in a ViT-L/14 of 224 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mercap.affectgpt.encoders.frozen import FrozenEncoder
from mercap.affectgpt.encoders.options import EncoderOptions, model_identity
from mercap.affectgpt.encoders.pictures import Normalise, read_preprocessing
from mercap.affectgpt.encoders.weights import find_weights
from mercap.errors import UsageError
from mercap.media.sampling import Sample


class VisionEncoder(FrozenEncoder):
    """Base of them: a subclass loads a model and says what it takes from it."""

    architectures: tuple[str, ...]
    pool: str  # for the identity

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__(options)
        folder, config = find_weights(options, *self.architectures)
        self.model = self.load(folder, config)
        side = self.side(self.model.config)
        preprocessing = read_preprocessing(folder, str(options.source), side if self.any_size else None)
        if preprocessing.side != side:
            raise UsageError(
                f"The model {options.source!r} sees pictures of {side} pixels, but its preprocessor_config.json "
                f"makes {preprocessing.side}; fetch it again, or another."
            )
        self.normalise = Normalise(preprocessing)
        self.sampling = preprocessing.sampling(options.crop)
        self.dim = self.width(self.model.config)
        self.steps = self.sampling.pictures * self.step_tokens
        weights = model_identity(str(options.source), folder)
        self.made_of = {**weights, "pool": self.pool, **preprocessing.identity}
        self.freeze()

    any_size = False  # whether the preprocessor leaves the size open

    def load(self, folder: Path, config: dict[str, Any]) -> Any:
        raise NotImplementedError

    def side(self, config: Any) -> int:
        """Of the pictures that the model sees, in pixels."""
        return int(config.image_size)

    def width(self, config: Any) -> int:
        """Numbers per vector."""
        return int(config.hidden_size)

    def look(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, side, side) -> (N, dim), or (N, step_tokens, dim)."""
        raise NotImplementedError

    def forward(self, samples: Sequence[Sample]) -> torch.Tensor:
        seen = self.look(self.normalise(samples).to(self.dtype))
        return seen.reshape(len(samples), self.steps, self.dim)
