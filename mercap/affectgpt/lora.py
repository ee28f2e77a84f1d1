"""What trains: adapters in the language model, and the whole bridge; everything else is frozen.

The result is an ordinary model of peft: its `save_pretrained` writes adapters and bridge, nothing else, and plain peft
reads them. The bridge of a wrapped model is a trainable copy beside the frozen original.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import torch
from peft import LoraConfig, TaskType, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.model import AffectGPTForConditionalGeneration
from mercap.errors import UsageError

TRAINED_WHOLE = "bridge"
IDLE = "image_projector"  # no prompt has still images: it would never get a gradient
LANGUAGE_MODEL = "language_model"


def lora_config(config: AffectGPTConfig) -> LoraConfig:
    """Adapters on the layers of ``lora_targets``, in the language model alone."""
    targets = "|".join(map(re.escape, config.lora_targets))
    return LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=rf"{LANGUAGE_MODEL}\.(.*\.)?({targets})",
        modules_to_save=[TRAINED_WHOLE],
    )


def make_trainable(model: AffectGPTForConditionalGeneration) -> nn.Module:
    """The model with adapters, and with gradients switched on for exactly `trained_names`, which are kept in fp32.

    With ``lora_rank`` 0 it is the same model, its language model frozen. Raises UsageError when a name of
    ``lora_targets`` fits no layer of the language model.
    """
    config = model.config
    if config.lora_rank:
        _check_targets(model, config.lora_targets)
        with warnings.catch_warnings():
            # peft asks transformers under a name that newer releases call outdated; nobody here can mend that.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            trained: nn.Module = get_peft_model(model, lora_config(config))
    else:
        trained = model
    wanted = trained_names(trained)
    for name, parameter in trained.named_parameters():
        parameter.requires_grad_(name in wanted)
        if name in wanted and parameter.dtype in (torch.float16, torch.bfloat16):
            parameter.data = parameter.data.float()  # a step of 1e-5 is lost in the rounding of a half
    return trained


def merge(model: Any) -> AffectGPTForConditionalGeneration:
    """The model without adapters, what they say written into its weights; ``model`` is used up by it.

    Each sum is made in fp32 and rounded once: in bf16 an update below some 2^-9 of a weight would be lost.
    """
    if not hasattr(model, "peft_config"):
        return model  # type: ignore[no-any-return]
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            weight = layer.get_base_layer().weight
            wide = torch.promote_types(weight.dtype, torch.float32)
            for adapter in layer.active_adapters:
                weight.data = (weight.data.to(wide) + layer.get_delta_weight(adapter).data.to(wide)).to(weight.dtype)
                layer.lora_B[adapter].weight.data.zero_()
    return model.merge_and_unload()  # type: ignore[no-any-return]


def trained_names(model: nn.Module) -> set[str]:
    """The parameters that train: adapters, and the bridge without its idle projector."""
    return {name for name in declared_names(model) if IDLE not in name.split(".")}


def declared_names(model: nn.Module) -> set[str]:
    """The parameters that a checkpoint of the paper holds: adapters and the whole bridge, of a peft model its copy."""
    names = [name for name, _ in model.named_parameters()]
    copy = f"{TRAINED_WHOLE}.modules_to_save."
    whole = copy if any(copy in name for name in names) else f"{TRAINED_WHOLE}."
    return {name for name in names if is_adapter(name) or f".{whole}" in f".{name}"}


def is_adapter(name: str) -> bool:
    """Whether the parameter of this name is a low-rank adapter's."""
    return ".lora_A." in name or ".lora_B." in name


def _check_targets(model: AffectGPTForConditionalGeneration, targets: list[str]) -> None:
    layers = {
        name.rpartition(".")[2]
        for name, module in model.language_model.named_modules()
        if getattr(module, "weight", None) is not None and module.weight.ndim == 2
    }
    for target in targets:
        if target not in layers:
            kind, known = model.language_model.config.model_type, ", ".join(sorted(layers))
            raise UsageError(f"lora_targets: the language model ({kind}) has no layer {target!r}; it has {known}.")
