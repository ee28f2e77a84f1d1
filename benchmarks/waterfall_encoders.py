"""The frozen encoders inside a training step, with random weights, as the released code runs them there.

Frames go from the device to the host one by one, become pictures, and go back through the image processor; all windows
of the batch are normalised as one signal. Here the encoders stay in eval mode, which the released code forgets for
HuBERT: its dropout and layer drop are not part of what is measured.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    HubertConfig,
    HubertModel,
)

from mercap.affectgpt.config import AffectGPTConfig

LAYERS = 4  # the last hidden layers of the voice encoder, averaged
SIDES = {"affectgpt_2025": 224, "tiny": 32}

# CLIP ViT-L/14 and HuBERT large; the widths that a preset's features have are put in below.
_FACE: dict[str, dict[str, Any]] = {
    "affectgpt_2025": {
        "hidden_size": 1_024,
        "intermediate_size": 4_096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "patch_size": 14,
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "patch_size": 8,
    },
}
_VOICE: dict[str, dict[str, Any]] = {
    "affectgpt_2025": {"num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4_096},
    "tiny": {
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "conv_dim": (16,) * 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    },
}


class LiveEncoders:
    """CLIP and HuBERT of a preset's size, frozen, on the device."""

    def __init__(self, preset: str, config: AffectGPTConfig, kind: Any, device: str) -> None:
        self.kind, self.device = kind, device
        side = SIDES[preset]
        face = CLIPVisionConfig(image_size=side, projection_dim=config.face_dim, **_FACE[preset])
        voice = HubertConfig(
            hidden_size=config.audio_dim,
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            conv_bias=True,
            **_VOICE[preset],
        )
        size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
        self.processor = CLIPImageProcessorPil(**size)
        with torch.device(device):
            self.face = CLIPVisionModelWithProjection(face).to(kind).eval().requires_grad_(False)
            self.voice = HubertModel(voice).to(kind).eval().requires_grad_(False)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def encode(self, frames: NDArray[np.uint8], sound: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
        """(C, steps, side, side, 3) and (C, steps, samples) -> (C, steps, dim) of face and of voice."""
        pixels = torch.from_numpy(frames).to(self.device).flatten(0, 1)
        pictures = [Image.fromarray(one.cpu().numpy()) for one in pixels]
        seen = self.processor(pictures, return_tensors="pt")["pixel_values"].to(self.device, self.kind)
        face = self.face(pixel_values=seen).image_embeds
        windows = torch.from_numpy(sound).to(self.device).flatten(0, 1)
        heard = ((windows - windows.mean()) / windows.std()).to(self.kind)
        layers = self.voice(heard, output_hidden_states=True).hidden_states[-LAYERS:]
        voice = torch.stack(layers).mean(dim=(0, 2))
        return face.unflatten(0, frames.shape[:2]), voice.unflatten(0, sound.shape[:2])
