"""DINOv3: the CLS vector after the last norm. The models are gated on the hub: accept their conditions, log in.

Its own preprocessing scales pictures as floats; here they are scaled as bytes, which differs by at most half a grey
level before normalisation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mercap.affectgpt.encoders.vision import VisionEncoder
from mercap.affectgpt.encoders.weights import load_weights


class Dinov3Encoder(VisionEncoder):
    """8 x 1024 for ViT-L/16."""

    architectures = ("dinov3_vit",)
    pool = "cls"

    def load(self, folder: Path, config: dict[str, Any]) -> Any:  # noqa: ARG002
        return load_weights("DINOv3ViTModel", folder, self.options)

    def look(self, pixels: torch.Tensor) -> torch.Tensor:
        seen: torch.Tensor = self.model(pixel_values=pixels).last_hidden_state
        return seen[:, 0]
