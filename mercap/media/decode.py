"""Decode a media file once, every packet of it, into derived media: 16-bit mono audio and sampled frames.

Times of audio and frames count from the start of the container, so that both share one clock. Costs about
75 ms of one core per second of 640x480 h264 at 25 frames per second; needs PyAV and OpenCV. Hostile files can
make the libraries hang or crash, so callers run this in a guarded process; the temporary folder of a process
that was killed is removed at the next attempt (`mercap.media.derived.discard_remains`).

A file that ends too early is told by the duration its header states, or by a packet that is cut in two. MP3, AAC and
MPEG-TS state none: such a file cut between two packets is taken for a shorter one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import cv2
import numpy as np
from av.stream import Disposition

from mercap.errors import CellFailure
from mercap.media.derived import whole_folder
from mercap.media.frames import FrameSampler
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.media.probe import (
    SHORT_RATIO,
    STATED_DURATION,
    check_pixels,
    check_seconds,
    demuxer_of,
    open_container,
    reason,
    size_within_limits,
)
from mercap.media.sound import SoundTrack
from mercap.records import AudioStream, Container, VideoStream

if TYPE_CHECKING:
    from av.audio.stream import AudioStream as AudioTrack
    from av.container import InputContainer
    from av.video.stream import VideoStream as VideoTrack

MAX_FRAME_RATE = 240  # frames per second; a file with more has a clock that stands still
SHORT_S = 0.5  # a stream may always end this much before its header says


def decode(path: Path, policy: MediaPolicy, limits: MediaLimits, folder: Path) -> Container:
    """Decode ``path`` into ``folder`` (container.json, audio.npy, frames.jpg, frames.json) and return its facts.

    ``folder`` appears whole or not at all; one that another process put there first is kept. Raises
    `CellFailure` with cause ``missing_file``, ``unreadable_file``, ``format``, ``limits``, ``memory``,
    ``no_streams`` or ``decode``.
    """
    size = size_within_limits(path, limits)
    demuxer = demuxer_of(path)
    try:
        with whole_folder(folder) as aside, open_container(path, demuxer) as media:
            facts = Decoder(media, demuxer, policy, limits).run(size, aside)
            (aside / "container.json").write_text(facts.model_dump_json(), encoding="utf-8")
    except (MemoryError, cv2.error) as error:  # Python's own, FFmpeg's and OpenCV's
        if isinstance(error, cv2.error) and error.code != cv2.Error.STS_NO_MEM:
            raise
        raise CellFailure("memory", "Decoding asked for more memory than its limit.") from None
    return facts


def is_cover_art(stream: VideoTrack) -> bool:
    """A single picture attached to audio."""
    return bool(stream.disposition & Disposition.attached_pic)


def shown_s(frame: av.VideoFrame, stream: VideoTrack) -> float:
    """Seconds a frame is shown: its own duration, else the stream's average."""
    if frame.duration:
        return float(frame.duration * frame.time_base)
    return float(1 / stream.average_rate) if stream.average_rate else 0.0


class Decoder:
    """One pass over an open container. Not reusable."""

    def __init__(self, media: InputContainer, demuxer: str, policy: MediaPolicy, limits: MediaLimits) -> None:
        self.media, self.demuxer, self.limits = media, demuxer, limits
        self.video = next((s for s in media.streams.video if not is_cover_art(s)), None)
        self.audio = next(iter(media.streams.audio), None)
        self.streams = [stream for stream in (self.video, self.audio) if stream is not None]
        self.start_s = (media.start_time or 0) / av.time_base
        # A Matroska file's durations count from zero, others' from the first packet.
        self.lead_s = max(self.start_s, 0.0) if demuxer == "matroska" else 0.0
        self.frames = FrameSampler(policy.frames)
        self.sound = SoundTrack(policy.audio, limits.seconds)
        self.video_end_s = 0.0
        self.video_frames = 0
        self.rotation_deg = 0
        self.packets = {"video": 0, "audio": 0}

    def run(self, size_bytes: int, folder: Path) -> Container:
        """Decode everything, write audio and frames into ``folder``."""
        self._check_header()
        with (folder / "frames.jpg").open("wb") as file:
            self._decode_packets(file)
        self._check_ends()
        if not self.packets["video"]:
            (folder / "frames.jpg").unlink()
        else:
            (folder / "frames.json").write_text(self.frames.index.model_dump_json(), encoding="utf-8")
        if self.packets["audio"]:
            np.save(folder / "audio.npy", self.sound.samples(), allow_pickle=False)
        return self._facts(size_bytes)

    def _check_header(self) -> None:
        if not self.streams:
            raise CellFailure("no_streams", "The container holds neither video nor audio.")
        for stream in self.streams:
            if stream.codec_context is None:
                raise CellFailure("decode", f"No decoder is known for the codec of the {stream.type} stream.")
        if self.video is not None:
            check_pixels(self.video.codec_context.width, self.video.codec_context.height, self.limits)
            self.video.thread_type = "NONE"
            self.video.codec_context.options = {"max_pixels": str(self.limits.pixels)}
        stated_s = self._stated_s()
        if stated_s is not None:
            check_seconds(stated_s, self.limits)

    def _stated_s(self) -> float | None:
        """How long the media is by its header, where headers say."""
        if self.demuxer not in STATED_DURATION or self.media.duration is None:
            return None
        return float(self.media.duration / av.time_base) - self.lead_s

    def _decode_packets(self, file: BinaryIO) -> None:
        """Every packet in the order of the file; the last ones are empty and flush the decoders."""
        name: str = self.streams[0].type
        try:
            for packet in self.media.demux(self.streams):
                name = packet.stream.type
                self.packets[name] += packet.size > 0
                for frame in packet.decode():
                    if self.video is not None and isinstance(frame, av.VideoFrame):
                        self._see(self.video, frame, file)
                    else:
                        self._hear(frame)
            self.sound.flush()
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError as error:
            where = f"The {name} stream is damaged after {self._end(name):.1f} seconds"
            raise CellFailure("decode", f"{where}: {reason(error)}.") from None

    def _see(self, video: VideoTrack, frame: av.VideoFrame, file: BinaryIO) -> None:
        self.video_frames += 1
        if self.video_frames > self.limits.seconds * MAX_FRAME_RATE:
            raise CellFailure("limits", f"The video has more than {MAX_FRAME_RATE} frames per second.")
        check_pixels(frame.width, frame.height, self.limits)
        time_s = self.video_end_s if frame.time is None else max(frame.time - self.start_s, 0.0)
        check_seconds(time_s, self.limits)
        self.video_end_s = max(self.video_end_s, time_s + shown_s(frame, video))
        self.rotation_deg = frame.rotation
        self.frames.offer(frame, time_s, float(video.sample_aspect_ratio or 1), file)

    def _hear(self, frame: av.AudioFrame) -> None:
        time_s = None if frame.time is None else frame.time - self.start_s
        check_seconds(max(time_s or 0.0, self.sound.seconds), self.limits)
        self.sound.add(frame, time_s)

    def _end(self, name: str) -> float:
        return self.video_end_s if name == "video" else self.sound.seconds

    def _check_ends(self) -> None:
        """Find truncation: many demuxers and decoders end a cut file without an error."""
        if self.demuxer in STATED_DURATION:
            for stream in self.streams:
                if stream.duration is not None and stream.time_base is not None:
                    stop_s = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
                    self._check_end(stream.type, stop_s - self.start_s - self.lead_s)
        stated_s = self._stated_s()
        if stated_s is not None:
            last = max(self.streams, key=lambda stream: self._end(stream.type))
            self._check_end(last.type, stated_s)
        if not any(self.packets.values()):
            raise CellFailure("no_streams", "The container holds neither video nor audio data.")
        for stream in self.streams:
            if self.packets[stream.type] and not self._end(stream.type):
                raise CellFailure("decode", f"Nothing of the {stream.type} stream can be decoded.")

    def _check_end(self, name: str, stated_s: float) -> None:
        end_s = self._end(name)
        if stated_s - end_s > max(SHORT_S, SHORT_RATIO * stated_s):
            raise CellFailure("decode", f"The {name} stream ends after {end_s:.1f} of {stated_s:.1f} seconds.")

    def _facts(self, size_bytes: int) -> Container:
        """A stream that a header names but no packet belongs to is reported as not there."""
        return Container(
            format=self.demuxer,
            size_bytes=size_bytes,
            duration_s=round(max(self.video_end_s, self.sound.seconds), 6),
            video=self._video_facts(self.video) if self.video and self.packets["video"] else None,
            audio=self._audio_facts(self.audio) if self.audio and self.packets["audio"] else None,
        )

    def _video_facts(self, video: VideoTrack) -> VideoStream:
        context, rate = video.codec_context, video.average_rate
        return VideoStream(
            codec=context.codec.canonical_name,
            width=context.width,
            height=context.height,
            frame_rate=round(float(rate), 6) if rate else None,
            duration_s=round(self.video_end_s, 6),
            rotation_deg=self.rotation_deg,
        )

    def _audio_facts(self, audio: AudioTrack) -> AudioStream:
        context = audio.codec_context
        return AudioStream(
            codec=context.codec.canonical_name,
            sample_rate=context.sample_rate,
            channels=context.channels,
            duration_s=round(self.sound.seconds, 6),
        )
