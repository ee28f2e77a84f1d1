"""What every encoder is: frozen for good, batched by clip, and checked before its numbers are kept.

A clip's features depend on that clip alone. Every pass has one shape, `batch` clips (the last is filled up by repeating
a clip), and nothing is normalised across clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mercap.affectgpt.device import find_device
from mercap.affectgpt.encoders.options import FEATURE_MEDIA, EncoderOptions
from mercap.affectgpt.encoders.table import Stream
from mercap.errors import UsageError
from mercap.media.policy import DECODER_VERSION
from mercap.media.sampling import Sample, Sampling
from mercap.versions import installed_version

BATCH_GPU = 16


class FrozenEncoder(nn.Module):  # type: ignore[misc]
    """Base of all encoders. ``steps`` x ``dim`` numbers per clip, ``step_tokens`` vectors in a row per moment.

    A subclass sets ``steps``, ``dim``, ``sampling`` and ``made_of`` before it calls `freeze`, and computes `forward`.
    """

    steps: int
    dim: int
    step_tokens: int = 1
    sampling: Sampling
    made_of: dict[str, Any]  # the weights, and what is done to inputs and outputs
    version = 1  # raise when the same weights give other numbers

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        self.options = options
        self.device = find_device(options.device)
        self.dtype = getattr(torch, options.dtype)

    @property
    def reads(self) -> Stream:
        return self.options.reads

    @property
    def batch(self) -> int:
        """Clips per pass."""
        return self.options.batch or (1 if self.device.type == "cpu" else BATCH_GPU)

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that makes the numbers what they are; JSON."""
        wanted = self.sampling
        return {
            "kind": self.options.kind,
            "reads": self.reads,
            "version": self.version,
            "steps": self.steps,
            "dim": self.dim,
            "step_tokens": self.step_tokens,
            "sampling": wanted.of_pictures if self.reads == "face" else wanted.of_sound,
            "media": {"decoder": DECODER_VERSION, **FEATURE_MEDIA.model_dump(mode="json")},
            **self.made_of,
        }

    def freeze(self) -> None:
        """Everything in place, never to change again. Called at the end of a subclass's constructor."""
        self.requires_grad_(False)
        super().train(False)
        self.to(self.device)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002
        """An encoder does not train, whatever the model around it does: dropout would reach the features."""
        return self

    def features(self, samples: Sequence[Sample]) -> torch.Tensor:
        """(C, steps, dim) float32 on the CPU."""
        pieces = [self._pass(samples[start : start + self.batch]) for start in range(0, len(samples), self.batch)]
        return torch.cat(pieces) if pieces else torch.zeros(0, self.steps, self.dim)

    def encode(self, samples: Sequence[Sample]) -> NDArray[np.float16]:
        """(C, steps, dim) as they are stored; a number that fp16 cannot hold comes out as infinity."""
        try:
            found: NDArray[np.float16] = self.features(samples).to(torch.float16).numpy()
        except torch.OutOfMemoryError as fault:
            raise UsageError(
                f"{self.device} has no room for {self.batch} clips at once in {self.options.kind}; lower --batch."
            ) from fault
        return found

    @property
    def made_with(self) -> dict[str, str]:
        """Beside the identity, what may change the last bits; kept with every part of features."""
        return {
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type,
            "dtype": self.options.dtype,
            "batch": str(self.batch),
            "torch": torch.__version__,
            "transformers": installed_version("transformers") or "",
        }

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _pass(self, samples: Sequence[Sample]) -> torch.Tensor:
        full = [*samples, *[samples[-1]] * (self.batch - len(samples))]
        found = self(full)
        assert found.shape == (len(full), self.steps, self.dim), found.shape
        # A copy, for what inference mode made may not take part in anything that is trained.
        return found[: len(samples)].float().cpu().clone()

    def forward(self, samples: Sequence[Sample]) -> torch.Tensor:
        """(C, steps, dim) for exactly `batch` clips."""
        raise NotImplementedError
