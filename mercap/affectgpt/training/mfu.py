"""Model flops utilisation: the share of a device's arithmetic that went into what training needs.

A weight N of the frozen language model costs 2N forward and 2N for the gradient of its input; its own gradient is not
computed, so it is 4N per token and not 6N, which would flatter by half. An adapter's weight costs 6N. The head is
counted where a token is supervised alone. Padding, attention (0.4 % at 215 tokens a clip), the bridge (0.002 %) and
anything computed twice are not counted as use.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn

from mercap.affectgpt.lora import is_adapter

FORMULA = "tokens x (4 x frozen + 6 x adapters) + supervised x 4 x head, over seconds x peak"

# Products in bf16, without sparsity, in 10^12 per second (NVIDIA's data sheets); the first name that fits counts.
PEAKS = {"H100 PCIe": 756.0, "H100 NVL": 835.0, "H100": 989.0, "H200": 989.0, "A100": 312.0}


class Work(NamedTuple):
    """Numbers of weights in matrix products."""

    frozen: int
    adapters: int
    head: int

    def flops(self, tokens: int, supervised: int) -> int:
        """What one step over so many tokens needs."""
        return tokens * (4 * self.frozen + 6 * self.adapters) + supervised * 4 * self.head


def count_work(model: Any) -> Work:
    """Of the language model in ``model``, with its adapters. Embeddings are looked up, not multiplied."""
    talker = _language_model(model)
    head = talker.get_output_embeddings()
    frozen = adapters = 0
    for name, module in talker.named_modules():
        weight = getattr(module, "weight", None)
        if weight is None or weight.ndim != 2 or isinstance(module, nn.Embedding) or module is head:
            continue
        if is_adapter(f".{name}.weight"):
            adapters += weight.numel()
        elif not hasattr(module, "base_layer"):  # peft wraps a layer, whose weight would be counted twice
            frozen += weight.numel()
    return Work(frozen, adapters, head.weight.numel())


def peak_of(device: torch.device, told: float | None) -> float | None:
    """The device's peak in 10^12 per second; None where it is not known."""
    if told is not None or device.type != "cuda":
        return told
    name = torch.cuda.get_device_name(device)
    return next((peak for known, peak in PEAKS.items() if known in name), None)


def _language_model(model: Any) -> Any:
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    return whole.language_model
