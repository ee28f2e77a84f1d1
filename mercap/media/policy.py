"""How media is decoded, and what is refused. Policies are part of a cell's identity, limits are not."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

# Raise when the same file under the same policy gives other frames or samples: derived media is then made anew, and
# the cells that read it are computed anew.
DECODER_VERSION = 2


class FramePolicy(BaseModel):
    """Which frames become derived media: dense enough for mouth motion, small enough to keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_hz: float = Field(default=12.5, gt=0, le=60)  # sampled frames per second
    height_max: int = Field(default=360, ge=64, le=2160)  # taller frames are scaled down, aspect kept
    jpeg_quality: int = Field(default=90, ge=50, le=100)


class AudioPolicy(BaseModel):
    """Audio is always mono; every model this project knows of reads 16 kHz."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate: int = Field(default=16_000, ge=8_000, le=48_000)


class MediaPolicy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: FramePolicy = FramePolicy()
    audio: AudioPolicy = AudioPolicy()


class MediaLimits(BaseModel):
    """What is refused, before or during decode. A clip over a limit is quarantined with cause ``limits``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(default=120.0, gt=0)  # media time
    pixels: int = Field(default=4096 * 2304, gt=0)  # per frame
    file_mb: float = Field(default=512.0, gt=0)
    decode_seconds: float = Field(default=60.0, gt=0)  # wall clock; the worker is killed after it
    work_seconds: float = Field(default=300.0, gt=0)  # the same, for one clip in any other stage
    memory_mb: int = Field(default=2048, ge=256)  # address space a decode may add
