"""SigLIP and SigLIP 2: the pooled picture.

SigLIP 2 is published in two forms. With a fixed size (such as so400m-patch14-384) it is SigLIP's architecture; NaFlex
takes patches of pictures of any shape, and sees here the largest square it has room for.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from mercap.affectgpt.encoders.vision import VisionEncoder
from mercap.affectgpt.encoders.weights import load_weights

_NAFLEX = ("siglip2", "siglip2_vision_model")


class Siglip2Encoder(VisionEncoder):
    """8 x 1152 for so400m."""

    architectures = ("siglip", "siglip_vision_model", *_NAFLEX)
    pool = "pooler"

    def load(self, folder: Path, config: dict[str, Any]) -> Any:
        self.any_size = config["model_type"] in _NAFLEX
        return load_weights("Siglip2VisionModel" if self.any_size else "SiglipVisionModel", folder, self.options)

    def side(self, config: Any) -> int:
        if self.any_size:
            return int(config.patch_size) * math.isqrt(int(config.num_patches))
        return super().side(config)

    def look(self, pixels: torch.Tensor) -> torch.Tensor:
        if not self.any_size:
            found: torch.Tensor = self.model(pixel_values=pixels).pooler_output
            return found
        patches = to_patches(pixels, self.model.config.patch_size)
        grid = pixels.shape[-1] // self.model.config.patch_size
        shape = torch.full((len(patches), 2), grid, device=pixels.device)
        mask = torch.ones(patches.shape[:2], dtype=torch.int32, device=pixels.device)
        seen: torch.Tensor = self.model(patches, pixel_attention_mask=mask, spatial_shapes=shape).pooler_output
        return seen


def to_patches(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """(N, 3, side, side) -> (N, patches, size * size * 3), row by row, colours last."""
    count, colours, side, _ = pixels.shape
    split = pixels.reshape(count, colours, side // size, size, side // size, size)
    return split.permute(0, 2, 4, 3, 5, 1).reshape(count, -1, size * size * colours)
