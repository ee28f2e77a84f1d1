"""Weights of the published AffectGPT, under its names, into a model of ours.

The published checkpoint holds only what was trained (arXiv 2501.16566, `checkpoint_*.pth`: a dictionary whose "model"
is a dictionary of tensors). This file is the only one that knows its names. Attention and Q-Former fusion are covered;
the Q-Formers of single streams, which no published configuration of 2025 uses, are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mercap.affectgpt.lora import declared_names
from mercap.errors import UsageError

MODEL, BRIDGE = "base_model.model.language_model.", "base_model.model.bridge.modules_to_save.default."
_FORMER = f"{BRIDGE}fusion.qformer."


class Rename(NamedTuple):
    """A published name that ``published`` fits from its beginning, and what that part is called here."""

    published: str
    ours: str


# Published name -> ours. The first that fits counts; what follows the fitting part stays as it is.
KEY_MAP: tuple[Rename, ...] = (
    Rename(r"llama_model\.base_model\.model\.(?=.*\.lora_[AB]\.default\.weight$)", MODEL),
    Rename(r"image_llama_proj\.", f"{BRIDGE}image_projector."),
    Rename(r"affectgpt_proj\.", f"{BRIDGE}projectors.face."),
    Rename(r"audio_llama_proj\.", f"{BRIDGE}projectors.audio."),
    Rename(r"multi_llama_proj\.", f"{BRIDGE}projectors.fused."),
    Rename(r"video_attention_mlp\.", f"{BRIDGE}pools.face.score."),
    Rename(r"audio_attention_mlp\.", f"{BRIDGE}pools.audio.score."),
    Rename(r"multi_video_embs\.", f"{BRIDGE}fusion.face."),
    Rename(r"multi_audio_embs\.", f"{BRIDGE}fusion.audio."),
    Rename(r"attention_mlp\.", f"{BRIDGE}fusion.mix."),
    Rename(r"fc_att\.", f"{BRIDGE}fusion.weigh."),
    Rename(r"multi_position_embedding\.", f"{_FORMER}positions."),
    Rename(r"multi_query_tokens$", f"{_FORMER}queries.values"),
    Rename(r"multi_Qformer\.bert\.embeddings\.LayerNorm\.", f"{_FORMER}former.layernorm."),
    Rename(
        r"multi_Qformer\.bert\.encoder\.layer\.(\d+)\.(attention|crossattention)\.self\.",
        rf"{_FORMER}former.encoder.layer.\1.\2.attention.",
    ),
    Rename(r"multi_Qformer\.bert\.encoder\.layer\.", f"{_FORMER}former.encoder.layer."),
)


def load_released(model: nn.Module, path: str | Path) -> None:
    """Puts the weights of a published checkpoint (``.safetensors``, or torch's own format) into ``model``.

    ``model`` comes from `make_trainable`. All tensors are compared before the first is changed. Raises UsageError with
    one sentence per tensor that is missing, unexpected or of another shape, and for a file that cannot be read.
    """
    found = renamed(_read(Path(path)))
    declared = declared_names(model)
    expected = {name: value for name, value in model.named_parameters() if name in declared}
    faults = differences(
        {name: tuple(value.shape) for name, value in expected.items()},
        {name: tuple(value.shape) for name, value in found.items()},
    )
    if faults:
        raise UsageError("\n".join([f"{path} does not fit the model.", *faults]))
    with torch.no_grad():
        for name, value in expected.items():
            value.copy_(found[name])


def renamed(published: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under our names; one whose name is unknown keeps it."""
    return {our_name(name): value for name, value in published.items()}


def our_name(published: str) -> str:
    """What a published tensor is called here; unchanged when it is unknown."""
    for row in KEY_MAP:
        ours, fits = re.subn(rf"^{row.published}", row.ours, published)
        if fits:
            return ours
    return published


def differences(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> list[str]:
    """One sentence for every tensor that is missing, unexpected or of another shape."""
    return [
        *(f"Missing: {name} {shape}." for name, shape in expected.items() if name not in found),
        *(f"Unexpected: {name} {shape}." for name, shape in found.items() if name not in expected),
        *(
            f"Misshapen: {name} is {found[name]}, expected {shape}."
            for name, shape in expected.items()
            if name in found and found[name] != shape
        ),
    ]


def _read(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise UsageError(f"There is no checkpoint {path}.")
    if path.suffix == ".safetensors":
        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise UsageError(f"{path} is not a readable safetensors file.") from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged archive can fail in any way at all
        raise UsageError(f"{path} is damaged, or holds more than tensors and plain values.") from error
    tensors = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise UsageError(f"{path} holds no dictionary of tensors under 'model'.")
    return tensors
