"""Which encoder makes the features of a stream, and the table of those there are. No torch here."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mercap.identity import digest_config, digest_folder
from mercap.media.policy import MediaPolicy

Stream = Literal["face", "audio"]
STREAMS: tuple[Stream, ...] = ("face", "audio")
FEATURE_MEDIA = MediaPolicy()  # what clips are decoded to before anything is sampled from them
_COMMIT = re.compile(r"[0-9a-f]{40}")


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


class EncoderOptions(BaseModel):
    """One encoder. Features made under other values of the last four are the same features.

    ``model`` is a folder or a repository, ``revision`` a branch, tag or commit of it; None and "main" are the table's
    default. ``batch`` clips pass through the model at once: None is 1 on a CPU and 16 on a GPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    kind: str
    model: str | None = None
    revision: str = "main"
    crop: Literal["face", "frame"] = "face"
    device: str = Field(default="auto", description="cpu, cuda, cuda:1, mps; auto: a GPU where there is one")
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    download: bool = False
    batch: int | None = Field(default=None, ge=1, le=1024)

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.kind not in ENCODERS:
            raise ValueError(f"the encoder is one of {', '.join(ENCODERS)}, not {self.kind!r}")
        if self.row.model is None and (self.model is not None or self.revision != "main"):
            raise ValueError(f"{self.kind} has no weights to load: it takes neither model nor revision")
        if self.row.reads == "audio" and self.crop != "face":
            raise ValueError(f"{self.kind} reads sound: crop is nothing to it")
        return self

    @property
    def row(self) -> Encoder:
        return ENCODERS[self.kind]

    @property
    def reads(self) -> Stream:
        return self.row.reads

    @property
    def source(self) -> str | None:
        """The folder or repository the weights come from; None where there are none."""
        return self.model or self.row.model


def model_identity(named: str, folder: Path) -> dict[str, Any]:
    """What tells these weights from others: repository and commit, or the digest of the folder's files.

    ``folder`` is where `mercap.backends.snapshot.find_model` found the model ``named``.
    """
    if Path(named).expanduser().is_dir():
        return {"model": "folder", "revision": digest_folder(folder)[:32]}
    if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name):
        return {"model": named, "revision": folder.name}
    return {"model": named, "revision": digest_folder(folder)[:32]}


def feature_key(identity: dict[str, Any]) -> str:
    """The name of the folder in which features of this encoder lie."""
    return digest_config(identity)[:16]


def options_of(preset: str, stream: Stream, **changes: Any) -> EncoderOptions:
    """The encoder that a model preset reads."""
    return EncoderOptions(kind=ENCODERS_OF[preset][stream], **changes)


def digest_arrays(arrays: dict[str, Any]) -> str:
    """Of NumPy arrays by name, 32 hexadecimal digits: the revision of weights that are made and not loaded."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        state.update(f"{name} {arrays[name].shape} {arrays[name].dtype.str}\n".encode())
        state.update(arrays[name].tobytes())
    return state.hexdigest()[:32]
