"""What `train` and `infer` are asked to do: typed objects, the same for the command line, Prefect and tests."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.affectgpt.example import TARGETS, Target


class TrainRequest(BaseModel):
    """Parameters of `train`."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    store: str = Field(description="folder of the store that holds captions and features")
    out: str = Field(description="folder of the run; an unfinished run in it is gone on with")
    preset: str = Field(default="tiny", description="model preset")
    recipe: Literal["paper", "fast"] = Field(default="fast", description="training preset")
    view: Literal["captions", "captions_plus"] = Field(
        default="captions_plus", description="captions is coarse and large, captions_plus fine: what passed the filters"
    )
    csv: tuple[str, ...] = Field(
        default=(), description="AffectGPT's annotation files, instead of the store's captions"
    )
    clips: str | None = Field(default=None, description="the SOURCE that the files of csv speak of")
    targets: tuple[Target, ...] = Field(default=TARGETS, min_length=1, description="what is learnt to be answered")
    face: EncoderOptions | None = Field(default=None, description="whose face features; default: the preset's")
    audio: EncoderOptions | None = Field(default=None, description="whose voice features; default: the preset's")
    language_model: str | None = Field(default=None, description="folder or repository; default: the preset's")
    revision: str | None = Field(default=None, description="of a repository")
    download: bool = Field(default=False, description="fetch the language model where it is not in the local cache")
    prompt: str = Field(default="train/v1.en", description="prompt to train with")
    start: str | None = Field(default=None, description="run or checkpoint whose weights this run begins with")
    tokens_max: int = Field(default=1_024, ge=16, description="longest example that is taken, in tokens")
    training: dict[str, Any] = Field(default_factory=dict, description="fields of the training preset to change")
    until: int | None = Field(default=None, ge=1, description="stop after this step, to go on later")
    benchmark_labels: str | None = Field(default=None, description="folder of gold labels, to look for leaks by name")
    benchmark_clips: tuple[str, ...] = Field(
        default=(), description="SOURCEs of test clips, to look for leaks by content"
    )
    drop_leaked: bool = Field(default=False, description="leave out what leaks, instead of refusing to train")


class InferRequest(BaseModel):
    """Parameters of `infer`."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str = Field(description="folder of a training run")
    store: str | None = Field(default=None, description="folder of the store that holds words and features")
    out: str | None = Field(default=None, description="JSONL file of answers; those in it are kept")
    face_model: str | None = Field(default=None, description="folder or repository of the face encoder, for one clip")
    audio_model: str | None = Field(default=None, description="the same of the voice encoder")
    target: Target = Field(default="labels", description="what is asked")
    step: int | None = Field(default=None, ge=1, description="which checkpoint; default: the newest")
    device: str = Field(default="auto")
    batch: int | None = Field(default=None, ge=1, le=4_096, description="clips at a time")
    max_new_tokens: int = Field(default=256, ge=1, le=4_096)
    seed: int | None = Field(default=None, ge=0, description="sample as the published protocol does, with this seed")
    download: bool = False
