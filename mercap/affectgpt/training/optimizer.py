"""AdamW over what trains; only weights with two dimensions or more decay."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mercap.affectgpt.training.options import TrainingOptions
from mercap.errors import UsageError

Named = list[tuple[str, nn.Parameter]]
_FUSED = {"cpu", "cuda", "xpu", "mps"}  # devices whose AdamW is one kernel


def trained_parameters(model: nn.Module) -> Named:
    """Name and value of everything that asks for a gradient. Raises UsageError when nothing does."""
    found = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    if not found:
        raise UsageError("Nothing of the model trains: wrap it with make_trainable first.")
    return found


def make_optimizer(named: Named, options: TrainingOptions) -> torch.optim.AdamW:
    decaying = [value for _, value in named if value.ndim >= 2]
    still = [value for _, value in named if value.ndim < 2]
    groups = [
        {"params": values, "weight_decay": decay}
        for values, decay in ((decaying, options.weight_decay), (still, 0.0))
        if values
    ]
    return torch.optim.AdamW(
        groups,
        lr=options.lr,
        betas=(options.beta1, options.beta2),
        eps=options.epsilon,
        fused=named[0][1].device.type in _FUSED,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def clip_gradients(values: Sequence[torch.Tensor], longest: float | None) -> torch.Tensor:
    """Shortens the gradients to ``longest`` in all, and gives their length before that: () on the device."""
    length: torch.Tensor = nn.utils.clip_grad_norm_(values, float("inf") if longest is None else longest)
    return length
