"""CLIP: the picture's projection into the space it shares with words, as AffectGPT reads it (arXiv 2501.16566)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mercap.affectgpt.encoders.vision import VisionEncoder
from mercap.affectgpt.encoders.weights import load_weights


class ClipEncoder(VisionEncoder):
    """8 x 768 for ViT-L/14, what `CLIPModel.get_image_features` gives. Only the half that sees is loaded."""

    architectures = ("clip", "clip_vision_model")
    pool = "projection"

    def load(self, folder: Path, config: dict[str, Any]) -> Any:  # noqa: ARG002
        return load_weights("CLIPVisionModelWithProjection", folder, self.options)

    def width(self, config: Any) -> int:
        return int(config.projection_dim)

    def look(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.model(pixel_values=pixels).image_embeds
        return found
