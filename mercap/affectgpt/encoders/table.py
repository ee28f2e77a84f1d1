"""The encoders there are, and which of them each model preset reads. Standard library alone: `--help` shows them."""

from __future__ import annotations

from typing import Literal, NamedTuple

Stream = Literal["face", "audio"]
STREAMS: tuple[Stream, ...] = ("face", "audio")


class Encoder(NamedTuple):
    """A row of `ENCODERS`. ``model`` is the default repository; an encoder without one needs no download."""

    reads: Stream
    module: str
    name: str  # of the class in it
    model: str | None
    about: str


_HERE = "mercap.affectgpt.encoders"

ENCODERS: dict[str, Encoder] = {
    "clip": Encoder(
        "face", f"{_HERE}.clip", "ClipEncoder", "openai/clip-vit-large-patch14", "CLIP's projected picture; the paper's"
    ),
    "siglip2": Encoder(
        "face",
        f"{_HERE}.siglip2",
        "Siglip2Encoder",
        "google/siglip2-so400m-patch14-384",
        "SigLIP's and SigLIP 2's pooled picture",
    ),
    "dinov3": Encoder(
        "face", f"{_HERE}.dinov3", "Dinov3Encoder", "facebook/dinov3-vitl16-pretrain-lvd1689m", "DINOv3's CLS vector"
    ),
    "blip2": Encoder(
        "face", f"{_HERE}.blip2", "Blip2Encoder", "Salesforce/blip2-itm-vit-g", "BLIP-2's 32 queries per frame"
    ),
    "clip_rows": Encoder(
        "face", f"{_HERE}.clip_rows", "ClipRowsEncoder", None, "a small random CLIP, pooled in 4 rows; no download"
    ),
    "hubert": Encoder(
        "audio",
        f"{_HERE}.speech",
        "SpeechEncoder",
        "TencentGameMate/chinese-hubert-large",
        "HuBERT, mean of the last 4 layers; the paper's",
    ),
    "wavlm": Encoder(
        "audio", f"{_HERE}.speech", "SpeechEncoder", "microsoft/wavlm-large", "WavLM, mean of the last 4 layers"
    ),
    "whisper": Encoder(
        "audio", f"{_HERE}.whisper", "WhisperEncoder", "openai/whisper-large-v3", "the encoder of Whisper"
    ),
    "log_mel": Encoder("audio", f"{_HERE}.log_mel", "LogMelEncoder", None, "a mel spectrum per window; no download"),
}

# The encoders of each preset of mercap/affectgpt/presets.py. The 2024 model heard through ImageBind, which transformers
# does not have: HuBERT stands in for it, with vectors of the same width.
ENCODERS_OF: dict[str, dict[Stream, str]] = {
    "affectgpt_2025": {"face": "clip", "audio": "hubert"},
    "affectgpt_2024": {"face": "blip2", "audio": "hubert"},
    "modern": {"face": "siglip2", "audio": "wavlm"},
    "tiny": {"face": "clip_rows", "audio": "log_mel"},
}
