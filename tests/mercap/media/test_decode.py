from __future__ import annotations

import resource
import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mercap.errors import CellFailure
from mercap.media.decode import decode
from mercap.media.derived import Derived
from mercap.media.policy import FramePolicy, MediaLimits, MediaPolicy
from tests.mercap.media.clips import RATE, make, picture

POLICY, LIMITS = MediaPolicy(), MediaLimits()


def refusal(path: Path, folder: Path, limits: MediaLimits = LIMITS) -> CellFailure:
    with pytest.raises(CellFailure) as caught:
        decode(path, POLICY, limits, folder)
    assert not folder.exists()
    assert list(folder.parent.glob(".*")) == [], "a temporary folder was left behind"
    assert str(path.parent) not in caught.value.message
    return caught.value


def test_a_clip_becomes_audio_frames_and_facts(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4")
    facts = decode(path, POLICY, LIMITS, tmp_path / "out" / "clip")
    derived = Derived(tmp_path / "out" / "clip")
    assert derived.container() == facts
    assert (facts.format, facts.size_bytes) == ("mov", path.stat().st_size)
    assert facts.video is not None
    assert (facts.video.codec, facts.video.width, facts.video.height) == ("h264", 64, 48)
    assert (facts.video.frame_rate, facts.video.duration_s, facts.video.rotation_deg) == (25.0, 2.0, 0)
    assert facts.audio is not None
    assert (facts.audio.codec, facts.audio.sample_rate, facts.audio.channels) == ("aac", RATE, 2)
    assert facts.duration_s == pytest.approx(2.0, abs=0.05)


def test_audio_keeps_its_tone_at_the_policy_rate(tmp_path: Path) -> None:
    decode(make(tmp_path / "clip.mp4"), POLICY, LIMITS, tmp_path / "out")
    samples = Derived(tmp_path / "out").audio()
    assert samples is not None
    assert len(samples) == pytest.approx(2 * 16_000, abs=800)
    spectrum = np.abs(np.fft.rfft(samples[:16_000]))
    assert int(np.argmax(spectrum)) == 440


def test_frames_are_sampled_by_time(tmp_path: Path) -> None:
    decode(make(tmp_path / "clip.mp4"), POLICY, LIMITS, tmp_path / "out")
    frames = Derived(tmp_path / "out").frames()
    assert frames is not None
    assert [frame.time_s for frame in frames] == pytest.approx([0.08 * number for number in range(25)])
    blue, green, red = frames[10].image[24, 10].astype(int)
    assert red > 150 > 50 > blue
    assert green == pytest.approx(20, abs=12)


@pytest.mark.parametrize(("rate", "taken"), [(5, 10), (30, 25), (10, 20)])
def test_a_slow_video_gives_each_frame_and_a_fast_one_the_grid(tmp_path: Path, rate: int, taken: int) -> None:
    path = make(tmp_path / "clip.mp4", frames=2 * rate, rate=rate, seconds=0)
    decode(path, POLICY, LIMITS, tmp_path / "out")
    frames = Derived(tmp_path / "out").frames()
    assert frames is not None
    assert len(frames) == taken
    times = [frame.time_s for frame in frames]
    assert times == sorted(set(times))


def test_tall_frames_are_scaled_down_and_small_ones_are_not(tmp_path: Path) -> None:
    policy = MediaPolicy(frames=FramePolicy(height_max=64))
    for name, width, height in (("a", 214, 120), ("b", 64, 48)):
        path = make(tmp_path / f"{name}.mp4", frames=3, width=width, height=height, seconds=0)
        decode(path, policy, LIMITS, tmp_path / name)
    large, small = Derived(tmp_path / "a").frames(), Derived(tmp_path / "b").frames()
    assert large is not None
    assert small is not None
    assert large[0].image.shape == (64, 114, 3)
    assert small[0].image.shape == (48, 64, 3)


def rotated(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Rewrite the display matrix of the video track, as telephones write it."""
    data = path.read_bytes()
    a, b, c, d = (value << 16 for value in matrix)
    upright = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    track = data.index(b"tkhd")
    path.write_bytes(data[:track] + data[track:].replace(upright, turned, 1))
    return path


@pytest.mark.parametrize(
    ("clockwise", "matrix", "red", "blue"),
    [
        (90, (0, 1, -1, 0), (5, 24), (60, 24)),
        (180, (-1, 0, 0, -1), (24, 60), (24, 5)),
        (270, (0, -1, 1, 0), (60, 24), (5, 24)),
    ],
)
def test_rotated_video_is_stored_upright(
    tmp_path: Path, clockwise: int, matrix: tuple[int, int, int, int], red: tuple[int, int], blue: tuple[int, int]
) -> None:
    path = rotated(make(tmp_path / "clip.mp4", frames=3, seconds=0), matrix)
    facts = decode(path, POLICY, LIMITS, tmp_path / "out")
    frames = Derived(tmp_path / "out").frames()
    assert frames is not None
    assert facts.video is not None
    assert facts.video.rotation_deg % 360 == 360 - clockwise
    image = frames[0].image.astype(int)
    assert image.shape == ((48, 64, 3) if clockwise == 180 else (64, 48, 3))
    assert image[red][2] > 150 > image[red][0]
    assert image[blue][0] > 150 > image[blue][2]


@pytest.mark.parametrize(
    ("name", "codec", "demuxer"),
    [
        ("c.mkv", "aac", "matroska"),
        ("c.avi", "mp3", "avi"),
        ("c.ts", "aac", "mpegts"),
        ("c.flv", "aac", "flv"),
    ],
)
def test_every_container_decodes_whole(tmp_path: Path, name: str, codec: str, demuxer: str) -> None:
    facts = decode(make(tmp_path / name, codec=codec), POLICY, LIMITS, tmp_path / "out")
    assert facts.format == demuxer
    frames = Derived(tmp_path / "out").frames()
    assert frames is not None
    assert len(frames) == pytest.approx(25, abs=1)
    assert frames[0].time_s == pytest.approx(0.0, abs=0.1)
    assert facts.duration_s == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("c.wav", "pcm_s16le"), ("c.mp3", "mp3"), ("c.flac", "flac"), ("c.ogg", "libopus"), ("c.aac", "aac")],
)
def test_audio_alone_has_no_frames(tmp_path: Path, name: str, codec: str) -> None:
    facts = decode(make(tmp_path / name, frames=0, codec=codec), POLICY, LIMITS, tmp_path / "out")
    derived = Derived(tmp_path / "out")
    assert facts.video is None
    assert derived.frames() is None
    samples = derived.audio()
    assert samples is not None
    assert len(samples) / 16_000 == pytest.approx(2.0, abs=0.1)


def test_video_alone_has_no_audio(tmp_path: Path) -> None:
    facts = decode(make(tmp_path / "clip.mp4", seconds=0), POLICY, LIMITS, tmp_path / "out")
    assert facts.audio is None
    assert Derived(tmp_path / "out").audio() is None


def test_audio_that_starts_late_is_preceded_by_silence(tmp_path: Path) -> None:
    decode(make(tmp_path / "clip.mkv", seconds=1.0, late_s=1.0), POLICY, LIMITS, tmp_path / "out")
    samples = Derived(tmp_path / "out").audio()
    assert samples is not None
    assert len(samples) / 16_000 == pytest.approx(2.0, abs=0.1)
    assert np.abs(samples[:15_000].astype(int)).max() < 50
    assert np.abs(samples[17_000:].astype(int)).max() > 4000


def with_cover(path: Path) -> Path:
    """A FLAC file is a marker, blocks of metadata, and sound: put a picture block in after the first."""
    data = make(path, frames=0, codec="flac").read_bytes()
    _, jpeg = cv2.imencode(".jpg", picture(0))
    mime, image = b"image/jpeg", jpeg.tobytes()
    sizes = struct.pack(">IIIIII", 0, 64, 48, 24, 0, len(image))
    block = struct.pack(">II", 3, len(mime)) + mime + sizes + image
    end = 8 + int.from_bytes(data[5:8], "big")
    picture_block = bytes([6]) + len(block).to_bytes(3, "big") + block
    path.write_bytes(data[:4] + bytes([data[4] & 0x7F]) + data[5:end] + picture_block + data[end:])
    return path


def test_cover_art_is_not_video(tmp_path: Path) -> None:
    path = with_cover(tmp_path / "song.flac")
    with av.open(str(path)) as media:
        assert len(media.streams.video) == 1, "the fixture must hold a picture"
    facts = decode(path, POLICY, LIMITS, tmp_path / "out")
    assert facts.video is None
    assert not (tmp_path / "out" / "frames.jpg").exists()


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv", "c.avi", "c.wav"])
@pytest.mark.parametrize("kept", [0.15, 0.5, 0.75])
def test_a_truncated_file_is_damaged(tmp_path: Path, name: str, kept: float) -> None:
    codec = {"c.avi": "mp3", "c.wav": "pcm_s16le"}.get(name, "aac")
    path = make(tmp_path / name, frames=0 if name == "c.wav" else 100, seconds=4.0, codec=codec)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    failure = refusal(path, tmp_path / "out")
    assert failure.cause == "decode"
    assert not failure.retryable


def test_truncation_is_told_in_seconds(tmp_path: Path) -> None:
    path = make(tmp_path / "c.mkv", frames=100, seconds=0)
    data = path.read_bytes()
    with av.open(str(path)) as media:
        half = next(packet.pos for packet in media.demux() if packet.pts == 2000)
    path.write_bytes(data[:half])  # cut between two packets: the demuxer sees a regular end
    assert refusal(path, tmp_path / "out").message == "The video stream ends after 2.0 of 4.0 seconds."


def test_a_short_recording_says_how_many_bytes_are_missing(tmp_path: Path) -> None:
    path = make(tmp_path / "c.wav", frames=0, seconds=4.0, codec="pcm_s16le")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    words = f"The file ends after {len(data) // 2} of {len(data)} bytes."
    assert refusal(path, tmp_path / "out").message == words


def test_a_recording_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = make(tmp_path / "c.wav", frames=0, seconds=1.0, codec="pcm_s16le")
    data = bytearray(path.read_bytes())
    data[4:8] = data[data.index(b"data") + 4 : data.index(b"data") + 8] = b"\xff" * 4
    path.write_bytes(data)
    assert decode(path, POLICY, LIMITS, tmp_path / "out").duration_s == pytest.approx(1.0)


def test_garbage_inside_a_file_is_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "c.mp4", frames=100, seconds=4.0)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    path.write_bytes(data)
    failure = refusal(path, tmp_path / "out")
    assert failure.cause == "decode"
    assert "is damaged after" in failure.message


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (MediaLimits(seconds=1.5), "seconds; the limit is 1.5"),
        (MediaLimits(pixels=64 * 47), "64 x 48 pixels; the limit is 3008"),
        (MediaLimits(file_mb=0.001), "the limit is 0.001 MB"),
    ],
)
def test_media_over_a_limit_is_refused(tmp_path: Path, limits: MediaLimits, words: str) -> None:
    failure = refusal(make(tmp_path / "c.mp4"), tmp_path / "out", limits)
    assert failure.cause == "limits"
    assert words in failure.message


def test_the_time_limit_holds_where_no_header_states_a_duration(tmp_path: Path) -> None:
    failure = refusal(make(tmp_path / "c.aac", frames=0), tmp_path / "out", MediaLimits(seconds=1.5))
    assert failure.cause == "limits"


def test_a_container_without_streams_says_so(tmp_path: Path) -> None:
    path = make(tmp_path / "c.mp4", seconds=0)
    path.write_bytes(path.read_bytes().replace(b"trak", b"free"))
    assert refusal(path, tmp_path / "out").cause == "no_streams"


def test_a_text_file_is_no_media(tmp_path: Path) -> None:
    path = tmp_path / "c.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    assert refusal(path, tmp_path / "out").cause == "format"


def test_derived_media_that_another_process_put_there_first_are_kept(tmp_path: Path) -> None:
    theirs = tmp_path / "out"
    theirs.mkdir()
    (theirs / "container.json").write_text("theirs")
    decode(make(tmp_path / "c.mp4", frames=5, seconds=0.2), POLICY, LIMITS, theirs)
    assert [file.name for file in theirs.iterdir()] == ["container.json"]
    assert list(tmp_path.glob(".*")) == []


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = make(tmp_path / "c.mp4")
    for name in ("a", "b"):
        decode(path, POLICY, LIMITS, tmp_path / name)
    for file in ("container.json", "audio.npy", "frames.jpg", "frames.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_name_that_looks_like_a_protocol_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "c.mp4", frames=5, seconds=0).rename(tmp_path / "concat:c.mp4|c.mp4")
    assert decode(Path("concat:c.mp4|c.mp4"), POLICY, LIMITS, tmp_path / "out").video is not None


@pytest.mark.parametrize("error", [MemoryError(), av.error.MemoryError(12, "Cannot allocate memory"), "opencv"])
def test_running_out_of_memory_has_a_cause_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | str
) -> None:
    def fail(self: object, frame: object, time_s: object) -> None:
        if isinstance(error, Exception):
            raise error
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size, limits[1]))
        try:
            cv2.resize(np.zeros((1, 1, 3), np.uint8), (30_000, 60_000))  # 5 GB
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)

    monkeypatch.setattr("mercap.media.sound.SoundTrack.add", fail)
    assert refusal(make(tmp_path / "c.mp4"), tmp_path / "out").cause == "memory"
