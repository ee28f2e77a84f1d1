"""Open a media file only if it is one of the accepted containers and within the limits.

The container is told from its first bytes, never from its name, and its demuxer is then named to FFmpeg
outright: FFmpeg's own probing would also accept playlists, concatenation scripts, image sequences and other
formats that name further files to open. Costs one read of 64 KiB and FFmpeg's header parse; needs PyAV.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import av

from mercap.errors import CellFailure
from mercap.media.policy import MediaLimits

if TYPE_CHECKING:
    from av.container import InputContainer

BYTES_PER_MB = 1_000_000
MOV_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide"})
TS_PACKET_STARTS = ((0, 188), (4, 192))  # first sync byte and packet length: broadcast, and m2ts
RIFF_UNKNOWN = 0xFFFF_FFFF  # the size a recorder writes before it knows the size
SHORT_RATIO = 0.1  # media may end this share before its header says
ACCEPTED = "MP4/MOV, Matroska/WebM, AVI, MPEG-TS, FLV, WAV, MP3, Ogg, FLAC or AAC"

# Demuxers whose header states how long each stream is; others guess it from bytes and bit rate.
STATED_DURATION = frozenset({"mov", "matroska", "avi", "wav", "flv", "flac", "ogg"})


def sniff(head: bytes) -> str | None:
    """FFmpeg's demuxer name for a file starting with ``head``, or ``None`` when it is not accepted."""
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[4:8] in MOV_BOXES:
        return "mov"
    if head[:4] in (b"RIFF", b"RF64"):
        return {b"AVI ": "avi", b"WAVE": "wav"}.get(head[8:12])
    for magic, demuxer in ((b"OggS", "ogg"), (b"fLaC", "flac"), (b"FLV\x01", "flv")):
        if head.startswith(magic):
            return demuxer
    if head[:3] == b"ID3":
        return _behind_id3(head)
    return _mpeg_audio(head) or _transport_stream(head)


def _behind_id3(head: bytes) -> str | None:
    """An ID3 tag opens MP3 and sometimes AAC or FLAC; one longer than ``head`` is taken for MP3."""
    size = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
    behind = head[size:]
    if len(behind) < 4:
        return "mp3"
    return "flac" if behind.startswith(b"fLaC") else _mpeg_audio(behind)


def _mpeg_audio(head: bytes) -> str | None:
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    layer = head[1] >> 1 & 3  # 1 = layer III, 2 = layer II
    rate_known = head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
    return "mp3" if head[1] & 0xE0 == 0xE0 and layer in (1, 2) and rate_known else None


def _transport_stream(head: bytes) -> str | None:
    for first, length in TS_PACKET_STARTS:
        starts = head[first : first + 4 * length : length]
        if len(starts) >= 3 and set(starts) == {0x47}:
            return "mpegts"
    return None


def size_within_limits(path: Path, limits: MediaLimits) -> int:
    """Size in bytes of a regular file that may be opened; raises `CellFailure` otherwise."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise CellFailure("missing_file", f"{path.name} is not there.") from None
    except OSError as error:
        raise CellFailure("unreadable_file", f"{path.name} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise CellFailure("unreadable_file", f"{path.name} is not a regular file.")
    check_size(found.st_size, limits)
    return found.st_size


def check_size(size_bytes: int, limits: MediaLimits) -> None:
    if size_bytes > limits.file_mb * BYTES_PER_MB:
        megabytes = size_bytes / BYTES_PER_MB
        raise CellFailure("limits", f"The file has {megabytes:.1f} MB; the limit is {limits.file_mb:g} MB.")


def check_pixels(width: int, height: int, limits: MediaLimits) -> None:
    if width * height > limits.pixels:
        raise CellFailure("limits", f"A frame has {width} x {height} pixels; the limit is {limits.pixels}.")


def check_seconds(seconds: float, limits: MediaLimits) -> None:
    if seconds > limits.seconds:
        raise CellFailure("limits", f"The media lasts {seconds:.1f} seconds; the limit is {limits.seconds:g}.")


def demuxer_of(path: Path) -> str:
    """The demuxer the file's first bytes ask for.

    Raises `CellFailure`: ``format`` when none of ours, ``decode`` when an AVI or WAV file is clearly shorter
    than it says (its demuxer would shorten the stated duration instead of telling).
    """
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise CellFailure("unreadable_file", f"{path.name} cannot be read: {error.strerror}.") from None
    demuxer = sniff(head)
    if demuxer is None:
        raise CellFailure("format", f"The file is not {ACCEPTED}." if head else "The file is empty.")
    stated = 8 + int.from_bytes(head[4:8], "little")
    if head[:4] == b"RIFF" and stated < RIFF_UNKNOWN and size < (1 - SHORT_RATIO) * stated:
        raise CellFailure("decode", f"The file ends after {size} of {stated} bytes.")
    return demuxer


def open_container(path: Path, demuxer: str) -> InputContainer:
    """Open with that one demuxer, local files only; `CellFailure` ``decode`` when the header is damaged."""
    av.logging.set_level(None)
    options = {"protocol_whitelist": "file", "format_whitelist": demuxer_names(demuxer)}
    try:
        # The prefix keeps a file called "concat:..." or "pipe:0" a file.
        media: InputContainer = av.open(
            f"file:{path.absolute()}", format=demuxer, options=options, metadata_errors="replace"
        )
    except av.error.MemoryError:
        raise
    except (av.error.FFmpegError, ValueError) as error:
        raise CellFailure("decode", f"The {demuxer} header is damaged: {reason(error)}.") from None
    return media


def demuxer_names(demuxer: str) -> str:
    """FFmpeg compares the whole name of a demuxer, which for some is a list of names."""
    return {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}.get(demuxer, demuxer)


def reason(error: Exception) -> str:
    """FFmpeg's words for an error, without the file name it appends."""
    return str(getattr(error, "strerror", None) or type(error).__name__).rstrip(".")
