"""Which encoder makes the features of a stream. No torch here."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mercap.affectgpt.encoders.table import ENCODERS, ENCODERS_OF, Encoder, Stream
from mercap.identity import digest_config, digest_folder
from mercap.media.policy import MediaPolicy

FEATURE_MEDIA = MediaPolicy()  # what clips are decoded to before anything is sampled from them
_COMMIT = re.compile(r"[0-9a-f]{40}")


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
