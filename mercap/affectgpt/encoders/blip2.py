"""BLIP-2: 32 queries per picture, from EVA-CLIP-G and the frozen Q-Former, as the AffectGPT of 2024 reads them.

What comes out is the Q-Former's last layer, before any projection. The checkpoint of image-text matching and those of
captioning fit alike; of the latter the language model is not loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mercap.affectgpt.encoders.vision import VisionEncoder
from mercap.affectgpt.encoders.weights import load_weights


class Blip2Encoder(VisionEncoder):
    """(8 x 32) x 768; 32 vectors in a row belong to one picture."""

    architectures = ("blip-2",)
    pool = "queries"

    def load(self, folder: Path, config: dict[str, Any]) -> Any:  # noqa: ARG002
        model = load_weights("Blip2VisionModelWithProjection", folder, self.options, unused=("vision_projection",))
        self.step_tokens = int(model.config.num_query_tokens)
        return model

    def side(self, config: Any) -> int:
        return int(config.vision_config.image_size)

    def width(self, config: Any) -> int:
        return int(config.qformer_config.hidden_size)

    def look(self, pixels: torch.Tensor) -> torch.Tensor:
        seen = self.model.vision_model(pixel_values=pixels).last_hidden_state
        queries = self.model.query_tokens.expand(len(seen), -1, -1)
        found: torch.Tensor = self.model.qformer(query_embeds=queries, encoder_hidden_states=seen).last_hidden_state
        return found
