"""Every kind of clip that the set promises is there, and is really of that kind."""

from __future__ import annotations

import hashlib

import av
import numpy as np
import numpy.typing as npt
import pytest

from examples.speech import SAMPLE_RATE
from tests.examples.reading import CLIP_FOLDER, Box, channels, faces_at, level_db, pictures, sound, table

Grey = npt.NDArray[np.uint8]


def mouth_motion(frames: list[Grey], face: Box) -> float:
    """Mean change from frame to frame where a found face has its mouth."""
    x, y, width, height = face
    rows, columns = slice(y + height * 2 // 3, y + height), slice(x + width // 4, x + 3 * width // 4)
    mouths = np.array([frame[rows, columns] for frame in frames], dtype=float)
    return float(np.abs(np.diff(mouths, axis=0)).mean())


def spectrum_db(samples: npt.NDArray[np.float32], low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum()))


def periodicity(samples: npt.NDArray[np.float32]) -> float:
    """Highest autocorrelation at 80 to 400 Hz, at the median of the louder half of 40 ms windows."""
    size = round(0.040 * SAMPLE_RATE)
    windows = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    loud = windows[(windows**2).mean(axis=1) > np.median((windows**2).mean(axis=1))]
    lags = range(SAMPLE_RATE // 400, SAMPLE_RATE // 80)
    best = [max(float(one[lag:] @ one[:-lag]) / float(one @ one) for lag in lags) for one in loud]
    return float(np.median(best))


def test_the_manifest_has_twenty_two_names() -> None:
    assert len(table("manifest.csv")) == 22


def test_the_truncated_clip_can_be_probed_but_lacks_frames_and_fails_to_decode() -> None:
    with av.open(str(CLIP_FOLDER / "truncated.mp4")) as container:
        promised = container.streams.video[0].frames
        assert container.streams.audio
        with pytest.raises(av.error.InvalidDataError):
            list(container.decode(video=0))
    assert 10 < len(pictures("truncated.mp4")) < 0.8 * promised


def test_the_surprised_clip_has_no_audio_stream() -> None:
    with av.open(str(CLIP_FOLDER / "silent_surprise.mp4")) as container:
        assert not container.streams.audio
        assert container.streams.video


def test_digital_silence_is_an_audio_stream_of_zeros() -> None:
    heard = channels("digital_silence.mp4")
    assert heard.shape[1] > 2 * 48_000
    assert not heard.any()


def test_the_voice_alone_has_no_video_stream() -> None:
    with av.open(str(CLIP_FOLDER / "voice_only.m4a")) as container:
        assert not container.streams.video
        assert [stream.codec_context.name for stream in container.streams.audio] == ["aac"]


def test_two_people_are_seen_and_only_the_left_one_speaks() -> None:
    frames = pictures("two_people.mp4")
    counts = [len(faces_at(frame)) for frame in frames[::6]]
    assert np.mean(np.array(counts) == 2) >= 0.9
    assert max(counts) == 2
    left, right = next(boxes for boxes in map(faces_at, frames) if len(boxes) == 2)
    assert mouth_motion(frames, left) > 2 * mouth_motion(frames, right)


def test_two_people_are_heard_in_stereo_from_the_speakers_side() -> None:
    left, right = channels("two_people.mp4")
    assert level_db(left) == pytest.approx(level_db(right) + 8, abs=1)


def test_the_second_name_has_the_bytes_of_the_first() -> None:
    first, again = ((CLIP_FOLDER / f"{name}.mp4").read_bytes() for name in ("smiling_bright", "smiling_bright_again"))
    assert hashlib.sha256(first).digest() == hashlib.sha256(again).digest()


def test_the_text_under_a_videos_name_is_text() -> None:
    lines = (CLIP_FOLDER / "not_a_video.mp4").read_text(encoding="ascii").splitlines()
    assert lines
    assert all(line.isprintable() for line in lines)
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(CLIP_FOLDER / "not_a_video.mp4"))


def test_a_chinese_name_has_a_chinese_subtitle() -> None:
    (row,) = (row for row in table("manifest.csv") if row["name"] == "开心的一天")
    assert (row["path"], row["subtitle"]) == ("开心的一天.mp4", "开心的一天.srt")
    assert "今天真开心" in (CLIP_FOLDER / row["subtitle"]).read_text(encoding="utf-8")


def test_the_street_is_eight_decibels_below_the_voice() -> None:
    heard = sound("noisy_street.mp4").astype(np.float64)
    noise = float(np.mean(heard[: round(0.35 * SAMPLE_RATE)] ** 2))  # before the first word
    spoken = float(np.mean(heard[round(0.4 * SAMPLE_RATE) : -round(0.5 * SAMPLE_RATE)] ** 2))
    assert 10 * np.log10((spoken - noise) / noise) == pytest.approx(8.0, abs=1.5)


def test_the_noise_is_in_every_octave() -> None:
    before = sound("noisy_street.mp4")[: round(0.35 * SAMPLE_RATE)]
    octaves = [spectrum_db(before, low, 2 * low) for low in (125, 250, 500, 1000, 2000)]
    assert max(octaves) - min(octaves) < 6


def test_a_shout_is_higher_and_brighter_than_a_loud_voice() -> None:
    shout, loud = sound("shouting.mp4"), sound("angry_loud.mp4")
    assert spectrum_db(shout, 1500, 5000) - spectrum_db(shout, 100, 1000) > 6 + (
        spectrum_db(loud, 1500, 5000) - spectrum_db(loud, 100, 1000)
    )
    assert periodicity(shout) > 0.5


def test_a_whisper_has_no_pitch() -> None:
    assert periodicity(sound("plain_report.mp4")) > 0.75
    assert periodicity(sound("whispering.mp4")) < 0.45


def test_the_phone_clip_is_stored_on_its_side_and_shown_upright() -> None:
    with av.open(str(CLIP_FOLDER / "phone_portrait.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation % 360) == (480, 360, 270)
    upright = pictures("phone_portrait.mp4")[0]
    assert upright.shape == (480, 360)
    assert len(faces_at(upright)) == 1
    assert not faces_at(np.ascontiguousarray(np.rot90(upright)))


def test_the_phone_clip_has_a_variable_frame_rate() -> None:
    with av.open(str(CLIP_FOLDER / "phone_portrait.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    steps = np.round(np.diff(times), 3)
    assert set(steps) >= {0.04, 0.08}
    assert len(times) > 60


def test_the_phone_clip_has_the_same_voice_in_both_channels() -> None:
    left, right = channels("phone_portrait.mp4")
    assert np.abs(left - right).max() < 0.01


def test_the_cut_changes_the_whole_picture_at_once() -> None:
    frames = np.array(pictures("cut_to_listener.mp4"), dtype=np.float32)
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))
    assert np.flatnonzero(steps > 10).tolist() == [57]  # the shot that begins at 2.3 s


def test_the_listener_keeps_still_while_the_voice_goes_on() -> None:
    frames = pictures("cut_to_listener.mp4")
    speaker, listener = (mouth_motion(part, faces_at(part[5])[0]) for part in (frames[:58], frames[58:]))
    assert speaker > 2 * listener
    heard = sound("cut_to_listener.mp4")[round(2.8 * SAMPLE_RATE) : round(4.0 * SAMPLE_RATE)]
    assert level_db(heard) > -30


def test_the_late_face_is_seen_in_less_than_half_of_the_clip() -> None:
    seen = [len(faces_at(frame)) for frame in pictures("face_comes_late.mp4")[::5]]
    assert not any(seen[:13])
    assert 0.3 < np.mean(seen) < 0.5
