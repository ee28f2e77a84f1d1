"""The rungs of the training waterfall: from a step of the released code to the fastest we know, one change each.

`Rig` holds one model for one `Style` and takes steps with it. Settings that our own training never has (fp16 with a
scaler, encoders inside the step, a wait for the loss after every step) exist here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch
from transformers import AutoModelForCausalLM

from benchmarks.waterfall_batches import Given
from benchmarks.waterfall_encoders import LiveEncoders
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.lora import is_adapter, make_trainable
from mercap.affectgpt.model import AffectGPTForConditionalGeneration

LEARNING_RATE = 1e-5


@dataclass(frozen=True, slots=True)
class Style:
    """How a step is taken. The defaults are those of the released code: its dropout, its order of work, its waits."""

    live_encoders: bool = True
    number_type: Literal["float16", "bfloat16"] = "float16"  # float16 comes with a scaler and a wait for the loss
    packed: bool = False
    attention: Literal["sdpa", "flex_attention"] = "sdpa"
    all_logits: bool = True
    dropout: float = 0.05
    compiled: bool = False
    fused_optimizer: bool = False
    half_adapters: bool = False  # adapters in bf16 without autocast, their fp32 masters in the optimizer


class Rung(NamedTuple):
    """A name, and what it changes in the style of the rung before. ``needs`` is the only device that it runs on."""

    name: str
    changes: dict[str, Any]
    needs: str | None = None


RUNGS: tuple[Rung, ...] = (
    Rung("reference style", {}),
    Rung("cached features", {"live_encoders": False}),
    Rung("bf16", {"number_type": "bfloat16"}),
    Rung("packed", {"packed": True}),
    # torch 2.13: "FlexAttention does not support backward on CPU"
    Rung("flex attention", {"attention": "flex_attention"}, "cuda"),
    Rung("supervised logits", {"all_logits": False}),
    Rung("no dropout", {"dropout": 0.0}),
    Rung("compiled blocks", {"compiled": True}),
    Rung("fused AdamW", {"fused_optimizer": True}),
    Rung("bf16 adapters", {"half_adapters": True}),
)


def styles(device: str) -> list[tuple[str, Style | None]]:
    """Every rung with its style; None where it does not run on ``device``, whose change the next rungs do without."""
    style = Style()
    found: list[tuple[str, Style | None]] = []
    for rung in RUNGS:
        if rung.needs not in (None, device):
            found.append((rung.name, None))
            continue
        style = replace(style, **rung.changes)
        found.append((rung.name, style))
    return found


class Rig:
    """A model with random weights on a device, its optimizer, and one step after another in one style."""

    def __init__(self, config: AffectGPTConfig, style: Style, device: str, *, encoders: str, backend: str) -> None:
        self.style, self.device = style, device
        self.kind = getattr(torch, style.number_type)
        config.lora_dropout = style.dropout
        self.model = make_trainable(random_model(config, self.kind, style.attention, device)).train()
        if style.compiled:
            for block in self.model.get_base_model().language_model.model.layers:
                block.compile(backend=backend)
        self.encoders = LiveEncoders(encoders, config, self.kind, device) if style.live_encoders else None
        self.scaler = torch.amp.GradScaler(device) if style.number_type == "float16" else None
        trained = {name: value for name, value in self.model.named_parameters() if value.requires_grad}
        self.masters = Masters(trained) if style.half_adapters else None
        parameters = self.masters.trained if self.masters else list(trained.values())
        self.optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=style.fused_optimizer or None)

    def step(self, given: Given) -> None:
        """Forward, backward and update."""
        loss = self.loss(given)
        if self.scaler:
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad()
            loss.item()
        else:
            loss.backward()
            self._update()

    def loss(self, given: Given) -> Any:
        """The loss of a batch, per supervised token."""
        inputs = given.batch.inputs(self.device)
        if self.encoders:
            inputs["face"], inputs["audio"] = self.encoders.encode(given.frames, given.sound)
        if self.style.all_logits:
            inputs["logits_to_keep"] = 0
        with self._precision():
            return self.model(**inputs, num_items=given.batch.supervised).loss

    def _update(self) -> None:
        if self.masters:
            self.masters.take_gradients()
        self.optimizer.step()
        if self.masters:
            self.masters.give_weights()
        self.optimizer.zero_grad()

    def _precision(self) -> AbstractContextManager[Any]:
        cast: AbstractContextManager[Any] = torch.autocast(self.device, dtype=self.kind)
        return nullcontext() if self.masters else cast


class Masters:
    """fp32 copies of the adapters, which the optimizer moves; the model computes with bf16 roundings of them."""

    def __init__(self, trained: dict[str, Any]) -> None:
        self.adapters = [value for name, value in trained.items() if is_adapter(name)]
        self.copies = [value.detach().clone() for value in self.adapters]
        self.trained = [*self.copies, *(value for name, value in trained.items() if not is_adapter(name))]
        for value in self.adapters:
            value.data = value.data.bfloat16()

    def take_gradients(self) -> None:
        for value, copy in zip(self.adapters, self.copies, strict=True):
            copy.grad = None if value.grad is None else value.grad.float()
            value.grad = None

    def give_weights(self) -> None:
        with torch.no_grad():
            torch._foreach_copy_(self.adapters, self.copies)


def random_model(config: AffectGPTConfig, kind: Any, attention: str, device: str) -> Any:
    """A model made on the device: weights of 7 B never pass through the host."""
    with torch.device(device):
        language_model = AutoModelForCausalLM.from_config(config.text_config, dtype=kind, attn_implementation=attention)
        return AffectGPTForConditionalGeneration.around(config, language_model)


def synchroniser(device: str) -> Callable[[], None]:
    """What waits until the device has done all that it was given."""
    return torch.cuda.synchronize if device == "cuda" else (lambda: None)
