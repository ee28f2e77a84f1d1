"""AffectGPT: soft tokens of face and voice among a prompt's tokens, and any causal language model to answer.

A real transformers model: `save_pretrained`, `from_pretrained`, `generate`, and the Auto classes once this module is
imported. Encoders are not part of it (see `mercap.affectgpt.config`). It takes token ids that hold placeholders, and
the cached features of the clips in the order in which the placeholders come: one clip per row, several if packed.
"""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedModel, initialization
from transformers.modeling_outputs import CausalLMOutputWithPast

from mercap.affectgpt.bridge import Bridge
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.fusion import Affine, Queries
from mercap.affectgpt.placeholders import check_room, placeholder_mask
from mercap.errors import UsageError

IGNORED = -100  # the label of a token that is not supervised


class AffectGPTForConditionalGeneration(PreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """`bridge` makes soft tokens, `language_model` reads them in place of the prompt's placeholders."""

    config_class = AffectGPTConfig
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_flash_attn = True
    _skip_keys_device_placement = ("past_key_values",)

    def __init__(self, config: AffectGPTConfig, language_model: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        if language_model is None:
            language_model = AutoModelForCausalLM.from_config(config.text_config)
        self.language_model: Any = language_model
        self.bridge = Bridge(config)
        self.post_init()

    @classmethod
    def around(cls, config: AffectGPTConfig, language_model: PreTrainedModel) -> Self:
        """A new bridge before a language model that is loaded already. Its configuration replaces ``text_config``."""
        width = language_model.get_input_embeddings().weight.shape[1]
        if width != config.hidden_size:
            raise UsageError(f"text_config is {config.hidden_size} wide, but the language model given is {width} wide.")
        config.text_config = language_model.config
        model = cls(config, language_model)
        known = language_model.generation_config
        for field in ("bos_token_id", "eos_token_id", "pad_token_id"):  # but not how to sample: the default is greedy
            setattr(model.generation_config, field, getattr(known, field))
        return model

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, Affine):
            initialization.uniform_(module.weight, -module.bound, module.bound)
            if module.bias is not None:
                initialization.uniform_(module.bias, -module.bound, module.bound)
        elif isinstance(module, Queries):
            initialization.normal_(module.values, std=0.02)
        else:
            super()._init_weights(module)

    def get_input_embeddings(self) -> nn.Module:
        return self.language_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        return self.language_model.get_output_embeddings()

    def embed(
        self,
        input_ids: torch.Tensor,
        face: torch.Tensor | None = None,
        audio: torch.Tensor | None = None,
        soft_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(B, T) ids and the features of C clips -> (B, T, hidden), soft tokens in the places of the placeholders.

        ``soft_mask``, from `placeholder_mask` on the host, spares a wait for the device. Without it the mask is made
        here. Raises UsageError when placeholders and clips do not fit.
        """
        soft = self.bridge(face, audio)
        if soft_mask is None:
            soft_mask = placeholder_mask(input_ids.cpu(), self.config, clips=soft.shape[0])
        check_room(soft_mask, soft)
        mask = soft_mask.to(input_ids.device, non_blocking=True)
        # Placeholders may lie outside the vocabulary; what is looked up for them is replaced anyway.
        words = self.get_input_embeddings()(input_ids.masked_fill(mask, 0))
        return words.masked_scatter(mask.unsqueeze(-1), soft.to(words.dtype))

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        *,
        face: torch.Tensor | None = None,
        audio: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        soft_mask: torch.Tensor | None = None,
        logits_to_keep: int | torch.Tensor | None = None,
        num_items: int | torch.Tensor | None = None,
        num_items_in_batch: int | torch.Tensor | None = None,
        **options: Any,
    ) -> CausalLMOutputWithPast:
        """Logits, and with ``labels`` (B, T; -100 = not supervised) the loss.

        The loss is the sum over supervised tokens divided by ``num_items``: give the number of the whole (global)
        batch, so that packing, padding and accumulation agree; the default is the number in this call.
        ``num_items_in_batch`` is the same under the name that transformers' Trainer gives it.

        With labels, logits are computed only where a row is supervised: (B, K, vocabulary) for the K places that
        `supervised_places` gives, and ``logits_to_keep`` may bring those places along, made on the host. Packed rows
        need ``attention_mask=None`` and ``position_ids`` that restart at 0 with every clip. Further options go to the
        language model.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise UsageError("Give either input_ids or inputs_embeds, not both and not neither.")
        if inputs_embeds is None:
            inputs_embeds = self.embed(input_ids, face, audio, soft_mask)
        options = {name: value for name, value in options.items() if value is not None}
        keep = logits_to_keep
        if labels is not None:
            options["use_cache"] = False  # a cache would switch off the isolation of packed clips
            keep = supervised_places(labels) if keep is None else keep
        output = self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            logits_to_keep=0 if keep is None else keep,
            **options,
        )
        if labels is not None:
            count = num_items_in_batch if num_items is None else num_items
            output.loss = supervised_loss(output.logits, labels, keep, count)
        return output

    def generate(
        self,
        input_ids: torch.Tensor,
        *,
        face: torch.Tensor | None = None,
        audio: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        soft_mask: torch.Tensor | None = None,
        **options: Any,
    ) -> torch.Tensor:
        """The tokens of the answers alone, (B, at most ``max_new_tokens``); greedy unless told otherwise.

        Prompts of different lengths are padded on the left, with an ``attention_mask`` that is 0 there. Raises
        UsageError for padding on the right, after which a language model goes on as if the padding were text.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if not bool(attention_mask[:, -1].all()):
            raise UsageError("A prompt ends in padding: pad on the left (attention_mask 0 at the beginning).")
        # What the language model was published with (often: sample) must not fill in what was not asked for.
        self.language_model.generation_config = self.generation_config
        with torch.no_grad():
            words = self.embed(input_ids, face, audio, soft_mask)
        return self.language_model.generate(inputs_embeds=words, attention_mask=attention_mask, **options)


def supervised_places(labels: torch.Tensor) -> torch.Tensor:
    """The places (K,) from which some row of ``labels`` (B, T) must predict its next token.

    Raises UsageError when no token is supervised.
    """
    places = (labels[:, 1:] != IGNORED).any(dim=0).nonzero().squeeze(1)
    if not len(places):
        raise UsageError("No token of the batch is supervised: every label is -100.")
    return places


def supervised_loss(
    logits: torch.Tensor, labels: torch.Tensor, places: torch.Tensor | int, num_items: int | torch.Tensor | None
) -> torch.Tensor:
    """Cross-entropy of (B, K, V) logits at ``places`` (0: at all), summed and divided by ``num_items``; () float."""
    targets = functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
    if not isinstance(places, int):
        targets = targets[:, places.to(targets.device)]
    elif places:
        targets = targets[:, -places:]
    if num_items is None:
        num_items = (targets != IGNORED).sum()
    elif not isinstance(num_items, torch.Tensor) and not (num_items > 0 and math.isfinite(num_items)):
        raise UsageError(f"num_items must be above 0, not {num_items}: it is the number of supervised tokens.")
    wide = logits if logits.dtype == torch.float64 else logits.float()
    total = functional.cross_entropy(
        wide.flatten(0, 1), targets.flatten().to(logits.device), ignore_index=IGNORED, reduction="sum"
    )
    return total / (num_items.to(total.device) if isinstance(num_items, torch.Tensor) else num_items)


# With transformers an Auto class learns of a model when its module is imported, and in no other way.
AutoConfig.register(AffectGPTConfig.model_type, AffectGPTConfig, exist_ok=True)
AutoModelForCausalLM.register(AffectGPTConfig, AffectGPTForConditionalGeneration, exist_ok=True)
