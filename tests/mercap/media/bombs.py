"""Small files that decode to enormous amounts, each with what may come of it.

Most are one encoded picture or sound written again and again, so they take milliseconds to make.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from tests.mercap.media.clips import make


class Bomb(NamedTuple):
    """``name`` ends like a media file; ``write`` fills it; one of ``causes`` (or ``ok``) must come of it."""

    name: str
    write: Callable[[Path], object]
    causes: frozenset[str]


def blank(width: int, height: int, number: int = 0, pixels: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixels)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.pts = number
    return frame


def blank_video(
    path: Path, codec: str, size: tuple[int, int], frames: int, *, pixels: str = "yuv420p", **options: str
) -> None:
    """Really encoded, frame by frame."""
    with av.open(str(path), "w") as media:
        video = media.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = *size, pixels
        for number in range(frames):
            media.mux(video.encode(blank(*size, number, pixels)))
        media.mux(video.encode(None))


def repeated_video(path: Path, size: tuple[int, int], frames: int, rate: int = 25) -> None:
    """VP8: a blank picture, and then so many times "the same again", in a few bytes each."""
    with av.open(str(path), "w") as media:
        video = media.add_stream("libvpx", rate=rate, options={"deadline": "realtime", "cpu-used": "8"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        first, same = (bytes(packet) for packet in _encoded(video, [blank(*size, 0), blank(*size, 1)]))
        for number in range(frames):
            packet = av.Packet(same if number else first)
            packet.stream, packet.time_base, packet.is_keyframe = video, Fraction(1, rate), not number
            packet.pts = packet.dts = number
            media.mux(packet)


def _encoded(video: av.VideoStream, frames: list[av.VideoFrame]) -> Iterator[av.Packet]:
    for frame in [*frames, None]:
        yield from video.encode(frame)


def repeated_sound(path: Path, codec: str, seconds: int, rate: int = 48_000) -> None:
    """One packet of silence, again and again."""
    with av.open(str(path), "w") as media:
        audio = media.add_stream(codec, rate=rate, layout="mono")
        length = 1024
        frame = av.AudioFrame(format=audio.format.name, layout="mono", samples=length)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = rate
        packets = [*audio.encode(frame), *audio.encode(None)]
        data, length = max(map(bytes, packets), key=len), audio.codec_context.frame_size or length
        for number in range(seconds * rate // length):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = audio, Fraction(1, rate), True
            packet.pts = packet.dts = number * length
            packet.duration = length
            media.mux(packet)


def unstated(path: Path) -> None:
    """A FLAC file whose header leaves open how long it is."""
    repeated_sound(path, "flac", 3600)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)


def lying_picture(path: Path, codec: str, picture: bytes) -> None:
    """The container says 64 x 48, the picture inside is another."""
    with av.open(str(path), "w") as media:
        video = media.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "gray"
        for number in range(5):
            packet = av.Packet(picture)
            packet.stream, packet.time_base, packet.is_keyframe = video, Fraction(1, 25), True
            packet.pts = packet.dts = number
            media.mux(packet)


def giant_png(side: int) -> bytes:
    """A black square of one bit per pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zeros(side * (side // 8 + 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def giant_jpeg(side: int) -> bytes:
    """A real picture whose header says that it is a square of ``side``."""
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, "yuvj420p", Fraction(1, 25)
    data = b"".join(bytes(packet) for packet in context.encode(blank(64, 48, 0, "yuvj420p")))
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", side, side) + data[at + 4 :]


def zeros(size: int) -> bytes:
    """So many zero bytes, deflated: one block again and again, and the check sum that belongs to it."""
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(size, 2**20)
    last = zlib.compressobj(9, wbits=-15)
    check = struct.pack(">I", (size % 65_521) << 16 | 1)
    return b"\x78\xda" + block * whole + last.compress(bytes(rest)) + last.flush() + check


def growing(path: Path, *sizes: tuple[int, int]) -> None:
    """One MPEG-TS video stream whose pictures change their size on the way."""
    with av.open(str(path), "w", format="mpegts") as media:
        video = media.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *sizes[0], "yuv420p"
        for part, size in enumerate(sizes):
            context = av.CodecContext.create("libx264", "w")
            context.options = {"preset": "ultrafast", "threads": "1"}
            context.width, context.height, context.pix_fmt, context.time_base = *size, "yuv420p", Fraction(1, 25)
            for frame in [*(blank(*size, number) for number in range(10)), None]:
                for packet in context.encode(frame):
                    packet.stream = video
                    packet.pts = packet.pts + 10 * part
                    packet.dts = packet.dts + 10 * part
                    packet.time_base = Fraction(1, 25)
                    media.mux(packet)


def many_streams(path: Path, count: int) -> None:
    """The one track of a small clip, listed so many times."""
    data = make(path, seconds=0.2, frames=0).read_bytes()
    moov, track = data.index(b"moov") - 4, data.index(b"trak") - 4
    length = int.from_bytes(data[track : track + 4], "big")
    copies = data[track : track + length] * (count - 1)
    size = int.from_bytes(data[moov : moov + 4], "big") + len(copies)
    path.write_bytes(data[:moov] + size.to_bytes(4, "big") + data[moov + 4 : track] + copies + data[track:])


def deflated_header(path: Path, megabytes: int) -> None:
    """QuickTime's compressed ``moov``: a header of zeros that unpacks to so much."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(data), kind) + data

    size = megabytes * 2**20
    compressed = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", size) + zeros(size))
    path.write_bytes(box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"cmov", compressed)))


def wav(path: Path, rate: int, channels: int, samples: int) -> None:
    """Silence under a header that says what it likes."""
    data = bytes(samples * 2)
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 % 2**32, 2 * channels % 2**16, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


LIMITS_ONLY = frozenset({"limits"})
REFUSED = frozenset({"limits", "decode", "memory"})
BOMBS = (
    Bomb("large_frames.mp4", lambda path: blank_video(path, "libx264", (4096, 2304), 8, preset="ultrafast"),
         frozenset({"ok"})),
    Bomb("too_large_frames.mp4", lambda path: blank_video(path, "libx264", (6016, 4000), 2, preset="ultrafast"),
         LIMITS_ONLY),
    Bomb("too_large_frames.webm", lambda path: repeated_video(path, (4608, 2304), 2), LIMITS_ONLY),
    Bomb("too_large_frames.mkv", lambda path: blank_video(path, "libsvtav1", (4096, 2560), 1, preset="12"),
         LIMITS_ONLY),
    Bomb("wide.mkv", lambda path: blank_video(path, "ffv1", (60_000, 16), 2), frozenset({"ok"})),
    Bomb("tall.mkv", lambda path: blank_video(path, "ffv1", (16, 60_000), 2), frozenset({"ok"})),
    Bomb("png.mov", lambda path: lying_picture(path, "png", giant_png(30_000)), REFUSED),
    Bomb("jpeg.avi", lambda path: lying_picture(path, "mjpeg", giant_jpeg(65_000)), REFUSED),
    Bomb("jpeg.mov", lambda path: lying_picture(path, "mjpeg", giant_jpeg(20_000)), REFUSED),
    Bomb("endless.webm", lambda path: repeated_video(path, (4096, 2304), 740), frozenset({"timeout"})),
    Bomb("fast.mkv", lambda path: repeated_video(path, (16, 16), 100_000, 10_000), LIMITS_ONLY),
    Bomb("long.mkv", lambda path: repeated_video(path, (16, 16), 20_000), LIMITS_ONLY),
    Bomb("hours.ogg", lambda path: repeated_sound(path, "libopus", 2 * 3600), LIMITS_ONLY),
    Bomb("hours.flac", lambda path: repeated_sound(path, "flac", 3600), LIMITS_ONLY),
    Bomb("unstated.flac", unstated, LIMITS_ONLY),
    Bomb("hour.aac", lambda path: repeated_sound(path, "aac", 3600), LIMITS_ONLY),
    Bomb("hour.mp3", lambda path: repeated_sound(path, "libmp3lame", 3600), LIMITS_ONLY),
    Bomb("growing.ts", lambda path: growing(path, (64, 48), (6016, 4000)), REFUSED),
    Bomb("changing.ts", lambda path: growing(path, (64, 48), (128, 96), (32, 32)), frozenset({"ok"})),
    Bomb("streams.mov", lambda path: many_streams(path, 900), REFUSED),
    Bomb("too_many_streams.mov", lambda path: many_streams(path, 5000), REFUSED),
    Bomb("header.mov", lambda path: deflated_header(path, 1200), REFUSED),
    Bomb("references.mkv", lambda path: blank_video(path, "libx264", (4096, 2304), 20, pixels="yuv444p10le",
                                                    preset="ultrafast", refs="16"), frozenset({"memory", "decode"})),
    Bomb("slow_samples.wav", lambda path: wav(path, 1, 1, 4096), LIMITS_ONLY),
    Bomb("fast_samples.wav", lambda path: wav(path, 0x7FFF_FFFF, 1, 40_000), frozenset({"ok", *REFUSED})),
    Bomb("channels.wav", lambda path: wav(path, 16_000, 0xFFFF, 0x20000), frozenset({"ok", *REFUSED})),
)  # fmt: skip
