"""Everything of AffectGPT but the language model: features of a clip in, soft tokens out."""

from __future__ import annotations

import torch
from torch import nn

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.fusion import FUSION_CLASSES, POOLING_CLASSES, Affine
from mercap.errors import UsageError


class Bridge(nn.Module):  # type: ignore[misc]
    """Pooling, fusion, and one projector per stream to the language model's width.

    ``image_projector``, where the configuration asks for it, is the published model's projector of still images: it is
    loaded, saved and counted with the rest, and nothing reads it, so it never gets a gradient.
    """

    def __init__(self, config: AffectGPTConfig) -> None:
        super().__init__()
        self.shapes = {
            "face": (config.face_steps, config.face_dim),
            "audio": (config.audio_steps, config.audio_dim),
        }
        self.order = list(config.stream_order)
        self.fusion = FUSION_CLASSES[config.fusion](config)
        alone = [stream for stream in self.order if stream != "fused"]
        self.pools = nn.ModuleDict({stream: POOLING_CLASSES[config.pooling](config, stream) for stream in alone})
        widths = {stream: pool.width for stream, pool in self.pools.items()} | {"fused": self.fusion.width}
        self.projectors = nn.ModuleDict({stream: Affine(widths[stream], config.hidden_size) for stream in self.order})
        self.image_projector = Affine(config.face_dim, config.hidden_size) if config.idle_image_projector else None

    def forward(self, face: torch.Tensor | None, audio: torch.Tensor | None) -> torch.Tensor:
        """The soft tokens of every clip in prompt order: (C, Tf, Df), (C, Ta, Da) -> (C, tokens of a clip, hidden).

        Raises UsageError for features that are missing or of another shape. Features are cast to the bridge's own
        type: stored as fp16, they are read in the precision that the bridge trains in.
        """
        given = {"face": face, "audio": audio}
        needed = ("face", "audio") if "fused" in self.order else tuple(self.order)
        checked = self._checked({stream: given[stream] for stream in needed})
        kind = self.projectors[self.order[0]].weight.dtype
        steps = {stream: features.to(kind) for stream, features in checked.items()}
        tokens = [
            self.projectors[stream](
                self.fusion(steps["face"], steps["audio"]) if stream == "fused" else self.pools[stream](steps[stream])
            )
            for stream in self.order
        ]
        return torch.cat(tokens, dim=1)

    def _checked(self, streams: dict[str, torch.Tensor | None]) -> dict[str, torch.Tensor]:
        checked: dict[str, torch.Tensor] = {}
        for stream, steps in streams.items():
            count, dim = self.shapes[stream]
            if steps is None:
                raise UsageError(f"The features of {stream!r} are missing: expected (clips, {count}, {dim}).")
            if steps.ndim != 3 or tuple(steps.shape[1:]) != (count, dim):
                raise UsageError(
                    f"The features of {stream!r} came as {_shape(steps)}, expected (clips, {count}, {dim})."
                )
            if not steps.is_floating_point():
                raise UsageError(f"The features of {stream!r} came as {steps.dtype}, expected floating point numbers.")
            checked[stream] = steps
        clips = {stream: len(steps) for stream, steps in checked.items()}
        if len(set(clips.values())) > 1:
            counts = " and ".join(f"{count} of {stream!r}" for stream, count in clips.items())
            raise UsageError(f"Every clip needs the features of each stream, but there are {counts}.")
        return checked


def _shape(steps: torch.Tensor) -> str:
    return "(" + ", ".join(map(str, steps.shape)) + ")"
