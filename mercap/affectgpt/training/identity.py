"""What a run is made of, as it is written into its checkpoints: a resume with anything else is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.data import TrainingData
from mercap.affectgpt.lora import IDLE
from mercap.affectgpt.training.checkpoint import Checkpoint
from mercap.affectgpt.training.options import TrainingOptions
from mercap.errors import UsageError
from mercap.identity import digest_text
from mercap.versions import installed_version

_VOLATILE = {"transformers_version", "_name_or_path", "dtype", "torch_dtype", "_attn_implementation"}
_PROBED = 256  # values of each frozen tensor: enough to tell one language model from another
_PACKAGES = ("mercap", "torch", "transformers", "peft", "numpy")


def run_identity(
    model: Any, data: TrainingData, options: TrainingOptions, start: Checkpoint | None, told: Mapping[str, Any]
) -> dict[str, Any]:
    """As JSON. ``versions`` is for the record; all else must stay the same."""
    return {
        "options": options.identity,
        "data": data.digest,
        "model": digest_text(json.dumps(_lasting(data.config.to_dict()), sort_keys=True, default=str)),
        "frozen": frozen_digest(model),
        "start": None if start is None else start.sha256,
        "identity": json.loads(json.dumps(told)),
        "versions": {package: installed_version(package) for package in _PACKAGES},
    }


def frozen_digest(model: Any) -> str:
    """Of what does not train: names, shapes, and the first values of each tensor in bf16, which any precision gives.

    What nothing reads does not count: the bridge that peft set aside when it made the one that trains, and the idle
    projector, whose first weights are drawn.
    """
    state = hashlib.sha256()
    for name, value in model.named_parameters():
        if not value.requires_grad and not {"original_module", IDLE} & {*name.split(".")}:
            probe = value.detach().flatten()[:_PROBED].to("cpu", torch.bfloat16).view(torch.int16)
            state.update(f"{name} {tuple(value.shape)} ".encode() + probe.numpy().tobytes())
    return state.hexdigest()


def check_dropout(config: AffectGPTConfig, options: TrainingOptions) -> None:
    """That the adapters have the recipe's dropout, which is fixed when they are made. Raises UsageError."""
    if config.lora_rank and config.lora_dropout != options.lora_dropout:
        raise UsageError(
            f"The model's adapters have lora_dropout {config.lora_dropout}, the recipe {options.recipe!r} has "
            f"{options.lora_dropout}: make the model with the recipe's, or say lora_dropout in the options."
        )


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in _VOLATILE}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
