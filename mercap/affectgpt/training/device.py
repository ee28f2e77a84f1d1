"""Where and in which precision a model trains, decided once at the start of a run."""

from __future__ import annotations

import contextlib
import resource
from typing import Any

import torch
from torch import nn

from mercap.affectgpt.training.options import TrainingOptions
from mercap.errors import UsageError


def place_model(model: Any, options: TrainingOptions, device: torch.device) -> None:
    """Move a model to where it trains, what is frozen in the precision of the products."""
    if in_half(options, device):
        for value in model.parameters():
            if not value.requires_grad and value.is_floating_point():
                value.data = value.data.to(torch.bfloat16)  # before it is moved: a device may not have room for more
    model.to(device)
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    whole.language_model.set_attn_implementation(attention_of(options, device))
    if options.compile:
        compile_blocks(whole.language_model)


def in_half(options: TrainingOptions, device: torch.device) -> bool:
    return options.precision == "bf16" or (options.precision == "auto" and device.type == "cuda")


def attention_of(options: TrainingOptions, device: torch.device) -> str:
    """Raises UsageError for what the device cannot do."""
    if options.attention == "flex_attention" and device.type == "cpu":
        raise UsageError("attention is 'flex_attention', with which torch cannot train on a CPU; take 'sdpa'.")
    if options.attention != "auto":
        return options.attention
    return "flex_attention" if device.type == "cuda" and options.pack_tokens is not None else "sdpa"


def half_products(options: TrainingOptions, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """The context in which products are made in bf16, or one that changes nothing."""
    if in_half(options, device):
        context: contextlib.AbstractContextManager[Any] = torch.autocast(device.type, dtype=torch.bfloat16)
        return context
    return contextlib.nullcontext()


def compile_blocks(language_model: nn.Module, **how: Any) -> int:
    """Compile every decoder block in place: one compilation serves them all. How many there are."""
    blocks = decoder_blocks(language_model)
    for block in blocks:
        block.compile(**how)
    return len(blocks)


def decoder_blocks(language_model: Any) -> list[Any]:
    """The layers of a decoder, whatever the family calls their list. Raises UsageError."""
    count = language_model.config.get_text_config().num_hidden_layers
    for module in language_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    kind = language_model.config.model_type
    raise UsageError(f"compile: the language model ({kind}) has no list of {count} decoder blocks; train without it.")


def memory_gb(device: torch.device) -> float:
    """The most memory that was held at once: by torch on a GPU, by the process elsewhere; 10^9 bytes."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
