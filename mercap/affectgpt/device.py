"""Where a model runs: by the name that torch has for a device, or ``auto``."""

from __future__ import annotations

import torch

from mercap.errors import UsageError


def find_device(name: str, local_rank: int = 0) -> torch.device:
    """``auto`` is a GPU where there is one, and of several this process's own. Raises UsageError."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as fault:
        raise UsageError(f"device {name!r} is not one that torch knows, such as 'cuda' or 'cpu'.") from fault
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device is {name!r}, but torch sees no GPU: take 'cpu', or a torch built for the GPU.")
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", local_rank)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as fault:
        why = str(fault).strip().partition("\n")[0].rstrip(".")
        raise UsageError(f"device {name!r} cannot be used here: {why}.") from fault
    return device
