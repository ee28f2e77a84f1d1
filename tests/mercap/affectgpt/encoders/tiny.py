"""Tiny encoders in Hugging Face's format, every architecture a real one, and samples of clips for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.affectgpt.encoders.table import ENCODERS
from mercap.media.sampling import Sample

SIDE = 32
VISION = {"image_size": SIDE, "patch_size": 8, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
          "num_attention_heads": 2}  # fmt: skip
TEXT = {"vocab_size": 20, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2,
        "pad_token_id": 0}  # fmt: skip
SPEECH = {"hidden_size": 16, "num_hidden_layers": 5, "num_attention_heads": 2, "intermediate_size": 32,
          "conv_dim": (16, 16, 16), "conv_kernel": (10, 8, 4), "conv_stride": (8, 8, 5), "num_conv_pos_embeddings": 8,
          "num_conv_pos_embedding_groups": 2, "feat_extract_norm": "layer", "do_stable_layer_norm": True}  # fmt: skip
WITH_WEIGHTS = tuple(kind for kind, row in ENCODERS.items() if row.model is not None)


def options(kind: str, folder: Path, **changes: Any) -> EncoderOptions:
    """Of a tiny encoder of this kind, its weights in ``folder`` if it has any."""
    if kind in WITH_WEIGHTS:
        changes["model"] = str(build(kind, folder))
    return EncoderOptions(kind=kind, device="cpu", **changes)


def build(kind: str, folder: Path, seed: int = 0) -> Path:
    """A tiny model with random weights. Weights are wider than at their birth, so that inputs show in outputs."""
    torch.manual_seed(seed)
    model, processor = MODELS[kind]()
    for name, weights in model.named_parameters():
        if weights.dim() > 1 or "query_tokens" in name or "class_embedding" in name:
            torch.nn.init.normal_(weights, std=0.2)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _clip() -> tuple[Any, Any]:
    config = transformers.CLIPConfig(
        text_config=TEXT, vision_config=VISION | {"projection_dim": 12}, projection_dim=12, logit_scale_init_value=1.0
    )
    size = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    return transformers.CLIPModel(config), transformers.CLIPImageProcessorPil(**size)


def _siglip() -> tuple[Any, Any]:
    config = transformers.SiglipConfig(text_config=TEXT, vision_config=VISION)
    size = {"height": SIDE, "width": SIDE}
    return transformers.SiglipModel(config), transformers.SiglipImageProcessorPil(size=size)


def _dinov3() -> tuple[Any, Any]:
    config = transformers.DINOv3ViTConfig(**VISION, num_register_tokens=2)
    # DINOv3's own processor needs torchvision; SigLIP's writes the same fields.
    settings = {"size": {"height": SIDE, "width": SIDE}, "resample": 2, "image_mean": [0.485, 0.456, 0.406],
                "image_std": [0.229, 0.224, 0.225]}  # fmt: skip
    return transformers.DINOv3ViTModel(config), transformers.SiglipImageProcessorPil(**settings)


def _blip2() -> tuple[Any, Any]:
    former = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
              "encoder_hidden_size": 16, "cross_attention_frequency": 1, "vocab_size": 20}  # fmt: skip
    config = transformers.Blip2Config(
        vision_config=VISION, qformer_config=former, text_config={"model_type": "opt", **OPT}, num_query_tokens=4
    )
    size = {"height": SIDE, "width": SIDE}
    return transformers.Blip2ForConditionalGeneration(config), transformers.BlipImageProcessorPil(size=size)


OPT = {"vocab_size": 20, "hidden_size": 16, "ffn_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
       "max_position_embeddings": 8, "word_embed_proj_dim": 16, "bos_token_id": 1, "eos_token_id": 2,
       "pad_token_id": 0}  # fmt: skip


def _speech(name: str) -> tuple[Any, Any]:
    config = getattr(transformers, f"{name}Config")(**SPEECH)
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=16_000, do_normalize=True)
    return getattr(transformers, f"{name}Model")(config), extractor


def _whisper() -> tuple[Any, Any]:
    config = transformers.WhisperConfig(
        vocab_size=20, num_mel_bins=16, d_model=16, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_source_positions=200,
        max_target_positions=8, bos_token_id=1, eos_token_id=2, pad_token_id=0, decoder_start_token_id=1,
    )  # fmt: skip
    extractor = transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=4)
    return transformers.WhisperForConditionalGeneration(config), extractor


MODELS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "clip": _clip,
    "siglip2": _siglip,
    "dinov3": _dinov3,
    "blip2": _blip2,
    "hubert": lambda: _speech("Hubert"),
    "wavlm": lambda: _speech("WavLM"),
    "whisper": _whisper,
}


def samples(count: int, seed: int = 0, *, level: float = 0.2, pieces: bool = False) -> list[Sample]:
    """Clips of noise: 8 pictures of `SIDE` pixels and 8 windows of 2 s (``pieces``: of a tenth of a second)."""
    draw = np.random.default_rng(seed)
    length = 1_600 if pieces else 32_000
    made = []
    for _ in range(count):
        sound = np.clip(level * 32767 * draw.standard_normal((8, length)), -32768, 32767).astype(np.int16)
        made.append(Sample.of(draw.integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8), sound))
    return made
