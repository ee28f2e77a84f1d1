"""How a model is trained: two named recipes, every field of which can be changed but not mixed.

paper   AffectGPT's published settings: three clips a step, padded, at a constant rate. Cannot fill a GPU.
fast    clips packed into one row of tokens, warm-up and cosine. Ours: its speed is what we claim, not its quality.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mercap.errors import UsageError
from mercap.identity import digest_config

_OWN = {"paper": ("batch",), "fast": ("pack_tokens", "pack_window")}


class TrainingOptions(BaseModel):
    """One run. Make it with `paper` or `fast`, which fill in what is not said.

    Fields in ``not_identity`` change where, how far and how well watched a run is, not what it computes: a run may be
    resumed with others. All other fields are part of the run, and a resume with others is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    not_identity: ClassVar[frozenset[str]] = frozenset(
        {"device", "checkpoint_every", "keep", "log_every", "prefetch", "tensorboard", "peak_tflops"}
    )

    recipe: Literal["paper", "fast"]
    """Which of the two; the other fields are its own."""
    seed: int = Field(default=42, ge=0, lt=2**63)
    """Order of the clips, choice of targets, dropout."""
    steps: int = Field(ge=1)
    """Steps of the optimiser in the whole run."""

    batch: int | None = Field(default=None, ge=1, le=4_096)
    """paper: clips per batch, padded to the longest."""
    pack_tokens: int | None = Field(default=None, ge=16)
    """fast: tokens per pack."""
    pack_window: int | None = Field(default=None, ge=1)
    """fast: among how many clips in a row a pack is put together."""
    accumulate: int = Field(default=1, ge=1)
    """Batches or packs per step over all devices, so that a run is the same on any number of them."""

    lr: float = Field(gt=0, lt=1)
    """The highest learning rate."""
    lr_last: float = Field(ge=0, lt=1)
    """What a cosine ends at; of no effect where the schedule is constant."""
    schedule: Literal["constant", "cosine"]
    """After the warm-up."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the rate rises from 0 to ``lr``."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's mean of gradients."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """AdamW's mean of their squares."""
    epsilon: float = Field(default=1e-8, gt=0)
    """AdamW's."""
    weight_decay: float = Field(default=0.05, ge=0)
    """Of weights with two dimensions or more; biases and vectors do not decay."""
    clip_norm: float | None = Field(default=None, gt=0)
    """The longest gradient that is followed; a longer one is shortened to it."""
    lora_dropout: float = Field(ge=0, lt=1)
    """What the adapters must have been made with: the recipe's, unless it is said otherwise."""

    precision: Literal["auto", "bf16", "full"] = "auto"
    """bf16: products in bf16 and what is frozen kept in it. full: everything as it is. auto: bf16 on a GPU."""
    attention: Literal["auto", "sdpa", "flex_attention", "eager"] = "auto"
    """auto: flex_attention for packs on a GPU, which skips what lies outside a clip; sdpa elsewhere."""
    compile: bool = False
    """Compile each decoder block. The first steps take minutes."""

    device: str = "auto"
    """auto: a GPU where there is one. Under torchrun each process takes its own."""
    checkpoint_every: int = Field(default=1_000, ge=1)
    """Steps between two checkpoints; one is also made at the end."""
    keep: int = Field(default=3, ge=1)
    """How many checkpoints stay."""
    log_every: int = Field(default=10, ge=1)
    """Steps after which the loss is fetched from the device, which waits for it."""
    prefetch: int = Field(default=4, ge=0, le=1_024)
    """Steps put together ahead in a thread; 0: none, in the loop itself."""
    tensorboard: bool = True
    """Write events for TensorBoard too."""
    peak_tflops: float | None = Field(default=None, gt=0)
    """The device's bf16 products per second in 10^12, for the MFU; known for a few GPUs."""

    @model_validator(mode="after")
    def _unmixed(self) -> TrainingOptions:
        for recipe, fields in _OWN.items():
            for field in fields:
                given = getattr(self, field) is not None
                if given and recipe != self.recipe:
                    raise ValueError(f"{field} belongs to the recipe {recipe!r}, not to {self.recipe!r}")
                if not given and recipe == self.recipe:
                    raise ValueError(f"the recipe {recipe!r} needs {field}")
        if self.schedule == "cosine" and self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps ({self.warmup_steps}) must be fewer than steps ({self.steps})")
        if self.lr_last > self.lr:
            raise ValueError(f"lr_last ({self.lr_last}) must not exceed lr ({self.lr})")
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that decide what is computed. A constant rate does not depend on where the run ends."""
        without = set(self.not_identity) | ({"steps", "lr_last"} if self.schedule == "constant" else set())
        return self.model_dump(mode="json", exclude=without)

    @property
    def digest(self) -> str:
        return digest_config(self.identity)


def paper(**changes: Any) -> TrainingOptions:
    """900,000 draws, three at a time, at 1e-5: the warm-up of the released settings never takes place.

    Where they use fp16 and scale the loss, this uses bf16, which needs no scale.
    """
    settings: dict[str, Any] = {
        "steps": 300_000,
        "batch": 3,
        "lr": 1e-5,
        "lr_last": 1e-5,
        "schedule": "constant",
        "lora_dropout": 0.05,
    }
    return _made("paper", settings | changes)


def fast(**changes: Any) -> TrainingOptions:
    """As many draws as the paper's, some 18 to a pack; the rate is the paper's times the root of six times the clips.

    Rate and schedule have not been tuned on real data.
    """
    settings: dict[str, Any] = {
        "steps": 50_000,
        "pack_tokens": 4_096,
        "pack_window": 200,
        "lr": 2.4e-5,
        "lr_last": 2.4e-6,
        "schedule": "cosine",
        "warmup_steps": 500,
        "clip_norm": 1.0,
        "lora_dropout": 0.0,
    }
    if isinstance(changes.get("lr"), (int, float)):
        settings["lr_last"] = changes["lr"] / 10
    if isinstance(changes.get("steps"), int):
        settings["warmup_steps"] = changes["steps"] // 100
    return _made("fast", settings | changes)


TRAINING: dict[str, Callable[..., TrainingOptions]] = {"paper": paper, "fast": fast}


def _made(recipe: str, settings: dict[str, Any]) -> TrainingOptions:
    try:
        return TrainingOptions(recipe=recipe, **settings)
    except ValidationError as fault:
        raise UsageError(f"The options of the recipe {recipe!r}: {_first(fault)}.") from fault
    except TypeError as fault:
        raise UsageError("The recipe is chosen by its function and cannot be changed by the field 'recipe'.") from fault


def _first(fault: ValidationError) -> str:
    error = fault.errors()[0]
    where = ".".join(map(str, error["loc"]))
    why = error["msg"].removeprefix("Value error, ")
    return f"{where}: {why}" if where else why
