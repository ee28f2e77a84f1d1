"""Ready configurations, each a function; and their parameters, counted without memory or download.

affectgpt_2025   AffectGPT as published (arXiv 2501.16566): CLIP ViT-L/14, chinese-hubert-large, Qwen2.5-7B-Instruct
affectgpt_2024   the version before: EVA-CLIP-G with BLIP-2's Q-Former, ImageBind, Vicuna-7B, frozen
modern           SigLIP2 so400m, WavLM-large, Qwen3-8B, fused in time; ours, not benchmarked
tiny             for tests and demonstrations, a tenth of a second on a CPU
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from transformers import LlamaConfig, Qwen2Config, Qwen3Config

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.lora import IDLE, declared_names, is_adapter, make_trainable
from mercap.affectgpt.model import AffectGPTForConditionalGeneration


class Counts(NamedTuple):
    """Numbers of parameters. ``trainable`` as the paper counts: ``adapters`` plus the whole bridge.

    ``idle`` of the bridge's are never reached by a gradient; ``frozen`` are the language model's.
    """

    trainable: int
    adapters: int
    bridge: int
    idle: int
    frozen: int


def affectgpt_2025(**changes: Any) -> AffectGPTConfig:
    """One fused, one audio and one face token per clip; 57,168,644 trainable parameters."""
    language_model = Qwen2Config(
        vocab_size=152_064,
        hidden_size=3_584,
        intermediate_size=18_944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        max_position_embeddings=32_768,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=False,
        bos_token_id=151_644,  # <|im_start|>: the released code sets it in place of the model's own
        eos_token_id=151_645,
        pad_token_id=151_645,  # the released code pads with the end of text
    )
    return AffectGPTConfig(language_model, **({"idle_image_projector": True} | changes))


def affectgpt_2024(**changes: Any) -> AffectGPTConfig:
    """32 face and 8 audio tokens from two Q-Formers, no fusion; the language model is frozen as a whole.

    Its two stages (coarse, then fine) are two trainings of this one model.
    """
    language_model = LlamaConfig(
        vocab_size=32_000,
        hidden_size=4_096,
        intermediate_size=11_008,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=32,
        max_position_embeddings=2_048,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    settings: dict[str, Any] = {
        "face_steps": 8 * 32,
        "face_dim": 768,
        "face_step_tokens": 32,
        "fusion": "none",
        "pooling": "qformer",
        "fused_tokens": 0,
        "audio_tokens": 8,
        "face_tokens": 32,
        "stream_order": ("face", "audio"),
        "face_token_id": 32_000,
        "audio_token_id": 32_001,
        "lora_rank": 0,
    }
    return AffectGPTConfig(language_model, **(settings | changes))


def modern(**changes: Any) -> AffectGPTConfig:
    """Four fused tokens in order of time, one audio, one face; no dropout in the adapters, which costs time."""
    language_model = Qwen3Config(
        vocab_size=151_936,
        hidden_size=4_096,
        intermediate_size=12_288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40_960,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=False,
        bos_token_id=151_643,
        eos_token_id=151_645,
        pad_token_id=151_643,
    )
    settings: dict[str, Any] = {
        "face_dim": 1_152,
        "fusion": "aligned",
        "pooling": "softmax",
        "fused_tokens": 4,
        "fused_token_id": 151_669,  # the first ids that Qwen3's tokenizer leaves free
        "audio_token_id": 151_670,
        "face_token_id": 151_671,
        "lora_dropout": 0.0,
    }
    return AffectGPTConfig(language_model, **(settings | changes))


def tiny(**changes: Any) -> AffectGPTConfig:
    """The published shape, 64 wide and 2 layers deep, over the bytes of `byte_tokenizer` and three placeholders."""
    language_model = Qwen2Config(
        vocab_size=272,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4_096,
        initializer_range=0.25,  # nothing is pretrained: smaller weights would hardly let through what is read
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    settings: dict[str, Any] = {
        "face_dim": 24,
        "audio_dim": 32,
        "qformer_size": 32,
        "qformer_heads": 4,
        "fused_token_id": 269,
        "audio_token_id": 270,
        "face_token_id": 271,
        "lora_rank": 4,
        "lora_alpha": 8,
        "lora_dropout": 0.0,
    }
    return AffectGPTConfig(language_model, **(settings | changes))


PRESETS: dict[str, Callable[..., AffectGPTConfig]] = {
    "affectgpt_2025": affectgpt_2025,
    "affectgpt_2024": affectgpt_2024,
    "modern": modern,
    "tiny": tiny,
}


def count_parameters(config: AffectGPTConfig) -> Counts:
    """How many parameters train and how many are frozen; on the meta device, so that 7 B take no memory."""
    shapes = declared_shapes(config)
    sizes = {name: torch.Size(shape).numel() for name, shape in shapes.items()}
    adapters = sum(size for name, size in sizes.items() if is_adapter(name))
    idle = sum(size for name, size in sizes.items() if IDLE in name.split("."))
    trainable = sum(sizes.values())
    with torch.device("meta"):
        model = AffectGPTForConditionalGeneration(config)
    frozen = sum(parameter.numel() for parameter in model.language_model.parameters())
    return Counts(trainable, adapters, trainable - adapters, idle, frozen)


def declared_shapes(config: AffectGPTConfig) -> dict[str, tuple[int, ...]]:
    """The shape of every adapter's and the bridge's tensors, by the names of the model that trains."""
    with torch.device("meta"):
        model = make_trainable(AffectGPTForConditionalGeneration(config))
    declared = declared_names(model)
    return {name: tuple(value.shape) for name, value in model.named_parameters() if name in declared}
