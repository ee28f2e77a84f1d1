"""Every lawful shape of video and sound decodes to the same kind of derived media; half-broken ones are typed."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mercap.errors import CellFailure
from mercap.measures.frame import Frame
from mercap.media.decode import decode
from mercap.media.derived import Derived
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.records import Container
from tests.mercap.media.bombs import wav
from tests.mercap.media.clips import make, picture

POLICY, LIMITS = MediaPolicy(), MediaLimits()


def write_video(path: Path, frames: Iterable[tuple[int, av.VideoFrame]], codec: str, pixels: str, rate: int) -> Path:
    """``frames`` come with their time in units of 1 / ``rate`` seconds."""
    with av.open(str(path), "w") as media:
        video = media.add_stream(codec, rate=rate)
        video.pix_fmt, video.codec_context.time_base = pixels, Fraction(1, rate)
        for number, (time, frame) in enumerate(frames):
            if not number:
                video.width, video.height = frame.width, frame.height
            frame.pts, frame.time_base = time, Fraction(1, rate)
            media.mux(video.encode(frame))
        media.mux(video.encode(None))
    return path


def in_format(pixels: str, width: int = 64, height: int = 48) -> av.VideoFrame:
    if pixels == "pal8":
        index = np.zeros((height, width), np.uint8)
        index[:, width // 2 :] = 1
        palette = np.zeros((256, 4), np.uint8)
        palette[0], palette[1] = (255, 200, 0, 0), (255, 0, 0, 200)  # alpha, red, green, blue
        return av.VideoFrame.from_ndarray((index, palette), format="pal8")
    return av.VideoFrame.from_ndarray(picture(0, width, height), format="rgb24").reformat(format=pixels)


def decoded(path: Path, folder: Path) -> tuple[Container, list[Frame]]:
    facts = decode(path, POLICY, LIMITS, folder)
    return facts, Derived(folder).frames() or []


def heard(folder: Path) -> NDArray[np.int16]:
    samples = Derived(folder).audio()
    assert samples is not None
    return samples


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
def test_frames_of_a_variable_rate_keep_their_own_times(tmp_path: Path, name: str) -> None:
    times = [0, 30, 500, 520, 1500, 1510, 1520, 1700, 3000]
    path = write_video(tmp_path / name, ((ms, in_format("yuv420p")) for ms in times), "libx264", "yuv420p", 1000)
    facts, frames = decoded(path, tmp_path / "out")
    assert [frame.time_s for frame in frames] == [0.0, 0.5, 1.5, 1.52, 1.7, 3.0]  # one per 80 ms of the grid
    assert 3.0 <= facts.duration_s <= 4.5  # how long the last one is shown is the writer's guess


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("c.mp4", "libx264", "yuv444p"),
        ("c.mp4", "libx264", "yuv422p10le"),
        ("c.mkv", "libx264", "yuvj420p"),
        ("c.mp4", "libx265", "yuv420p10le"),
        ("c.avi", "mjpeg", "yuvj422p"),
        ("c.mov", "png", "rgb24"),
        ("c.mov", "png", "rgba"),
        ("c.mov", "png", "rgb48be"),
        ("c.mov", "png", "pal8"),
        ("c.mov", "qtrle", "argb"),
        ("c.mkv", "ffv1", "gbrp10le"),
        ("c.mkv", "ffv1", "yuva420p"),
        ("c.avi", "utvideo", "yuv422p"),
        ("c.avi", "rawvideo", "bgr24"),
        ("c.webm", "libvpx", "yuv420p"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_pixel_format_comes_out_in_its_colours(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    frames = ((number, in_format(pixels)) for number in range(5))
    _, (first, *_) = decoded(write_video(tmp_path / name, frames, codec, pixels, 25), tmp_path / "out")
    left, right = first.image[24, 10].astype(int), first.image[24, 54].astype(int)
    assert left[2] > 150 > 70 > left[0]
    assert right[0] > 150 > 70 > right[2]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("c.mp4", "libx264", "gray"), ("c.mov", "png", "gray"), ("c.mov", "png", "gray16be"), ("c.mov", "png", "ya8")],
)
def test_a_picture_without_colour_comes_out_grey(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    frames = ((number, in_format(pixels)) for number in range(5))
    _, (first, *_) = decoded(write_video(tmp_path / name, frames, codec, pixels, 25), tmp_path / "out")
    left, right = first.image[24, 10].astype(int), first.image[24, 54].astype(int)
    assert left.max() - left.min() < 5
    assert left.mean() > right.mean() + 20, "red is brighter than blue"


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(1, 1, (2, 2)), (3, 5, (4, 2)), (63, 47, (46, 62)), (4096, 16, (4, 1440)), (16, 4096, (360, 2))],
)
def test_odd_sizes_become_even_ones_of_about_the_same_shape(
    tmp_path: Path, width: int, height: int, shape: tuple[int, int]
) -> None:
    frames = ((number, in_format("bgr0", width, height)) for number in range(3))
    facts, (first, *_) = decoded(write_video(tmp_path / "c.mkv", frames, "ffv1", "bgr0", 25), tmp_path / "out")
    assert facts.video is not None
    assert (facts.video.width, facts.video.height) == (width, height)
    assert first.image.shape == (*shape, 3)


@pytest.mark.parametrize(
    ("name", "codec", "layout", "rate"),
    [
        ("c.m4a", "aac", "mono", 8_000),
        ("c.m4a", "aac", "stereo", 44_100),
        ("c.m4a", "aac", "5.1", 48_000),
        ("c.m4a", "aac", "7.1", 48_000),
        ("c.mkv", "ac3", "5.1(side)", 48_000),
        ("c.mkv", "flac", "stereo", 96_000),
        ("c.wav", "pcm_s16le", "2.1", 22_050),
        ("c.wav", "pcm_f32le", "quad", 192_000),
        ("c.wav", "pcm_u8", "octagonal", 11_025),
        ("c.mp3", "mp3", "mono", 8_000),
        ("c.ogg", "libopus", "5.1", 48_000),
    ],
)
def test_every_layout_and_rate_becomes_one_channel_in_tune(
    tmp_path: Path, name: str, codec: str, layout: str, rate: int
) -> None:
    write_sound(tmp_path / name, codec, layout, rate)
    facts = decode(tmp_path / name, POLICY, LIMITS, tmp_path / "out")
    samples = heard(tmp_path / "out")
    assert facts.audio is not None
    assert (facts.audio.sample_rate, facts.audio.channels) == (rate, av.AudioLayout(layout).nb_channels)
    assert len(samples) / 16_000 == pytest.approx(1.5, abs=0.15)
    assert int(np.argmax(np.abs(np.fft.rfft(samples[4_000:20_000])))) == 440
    assert np.abs(samples.astype(int)).max() > 1000


def write_sound(path: Path, codec: str, layout: str, rate: int) -> None:
    """440 Hz from every channel for 1.5 s."""
    wave = (np.sin(2 * np.pi * 440 * np.arange(rate * 3 // 2) / rate) * 8000).astype(np.int16)
    with av.open(str(path), "w") as media:
        audio = media.add_stream(codec, rate=rate, layout=layout)
        channels = av.AudioLayout(layout).nb_channels
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, channels).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        media.mux(audio.encode(frame))
        media.mux(audio.encode(None))


def test_channels_that_are_not_named_are_mixed_all_the_same(tmp_path: Path) -> None:
    wav(tmp_path / "c.wav", 16_000, 3, 3 * 16_000)
    facts = decode(tmp_path / "c.wav", POLICY, LIMITS, tmp_path / "out")
    assert facts.audio is not None
    assert facts.audio.channels == 3
    assert len(heard(tmp_path / "out")) == 16_000


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv", "c.ts"])
@pytest.mark.parametrize(("frames", "seconds"), [(25, 3.0), (75, 1.0)])
def test_audio_may_be_longer_or_shorter_than_video(tmp_path: Path, name: str, frames: int, seconds: float) -> None:
    path = make(tmp_path / name, frames=frames, seconds=seconds)
    facts, taken = decoded(path, tmp_path / "out")
    assert facts.duration_s == pytest.approx(3.0, abs=0.1)
    assert taken[-1].time_s == pytest.approx(frames / 25, abs=0.15)
    assert len(heard(tmp_path / "out")) / 16_000 == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize("name", ["late.mkv", "late.mp4", "late.ts", "late.flv"])
def test_a_clip_whose_clock_does_not_start_at_zero_starts_at_zero(tmp_path: Path, name: str) -> None:
    """As when a piece is cut out of a film and keeps the film's times; this one is beyond the limit on seconds."""
    source, path = make(tmp_path / "c.mp4", frames=25, seconds=1.0), tmp_path / name
    with av.open(str(source)) as media, av.open(str(path), "w") as late:
        streams = {stream.index: late.add_stream_from_template(stream) for stream in media.streams}
        for packet in media.demux():
            if packet.dts is not None:
                offset = int(500 / packet.time_base)
                packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                packet.stream = streams[packet.stream.index]
                late.mux(packet)
    facts, frames = decoded(path, tmp_path / "out")
    assert facts.duration_s == pytest.approx(1.0, abs=0.1)
    assert frames[0].time_s == pytest.approx(0.0, abs=0.05)
    assert np.abs(heard(tmp_path / "out")[2_000:14_000].astype(int)).max() > 4000


@pytest.mark.parametrize("broken", ["video", "audio"])
def test_one_broken_stream_of_two_is_named(tmp_path: Path, broken: str) -> None:
    path = make(tmp_path / "c.mkv", frames=50, seconds=2.0)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as media:
        for packet in media.demux():
            if packet.stream.type == broken and packet.size:
                at = data.index(bytes(packet))
                data[at : at + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    with pytest.raises(CellFailure, match=broken) as caught:
        decode(path, POLICY, LIMITS, tmp_path / "out")
    assert caught.value.cause == "decode"
