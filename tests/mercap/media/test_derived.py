from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mercap.media.derived import Derived, DerivedDamaged, derived_folder, discard_remains, whole_folder
from mercap.media.frames import FrameIndex
from mercap.media.policy import FramePolicy, MediaPolicy
from mercap.records import AudioStream, Container, VideoStream

CLIP = "ab" + "0" * 62
VIDEO = VideoStream(codec="h264", width=8, height=6, frame_rate=25.0, duration_s=0.2)
AUDIO = AudioStream(codec="aac", sample_rate=16_000, channels=1, duration_s=0.2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Derived media of a clip with two frames and 100 samples."""
    facts = Container(format="mov", size_bytes=1, duration_s=0.2, video=VIDEO, audio=AUDIO)
    _, jpeg = cv2.imencode(".jpg", np.full((6, 8, 3), 90, np.uint8))
    size = len(jpeg)
    index = FrameIndex(offsets=[0, size, 2 * size], times_s=[0.0, 0.08], width=8, height=6)
    (tmp_path / "container.json").write_text(facts.model_dump_json())
    (tmp_path / "frames.json").write_text(index.model_dump_json())
    (tmp_path / "frames.jpg").write_bytes(jpeg.tobytes() * 2)
    np.save(tmp_path / "audio.npy", np.arange(100, dtype=np.int16))
    return tmp_path


def test_the_folder_depends_on_the_policy_and_the_clip() -> None:
    root, policy = Path("media"), MediaPolicy()
    folder = derived_folder(root, CLIP, policy)
    assert folder.parts[0] == "media"
    assert folder.parts[2:] == ("ab", CLIP)
    assert len(folder.parts[1]) == 12
    assert derived_folder(root, CLIP, MediaPolicy(frames=FramePolicy(rate_hz=12.5))) == folder
    assert derived_folder(root, CLIP, MediaPolicy(frames=FramePolicy(rate_hz=5))) != folder


def test_the_folder_of_the_default_policy_does_not_move_unnoticed() -> None:
    assert derived_folder(Path(), CLIP, MediaPolicy()).parts[0] == "6bff82bcd19b"


def test_what_was_written_is_read(folder: Path) -> None:
    derived = Derived(folder)
    samples, frames = derived.audio(), derived.frames()
    assert derived.exists
    assert derived.container().video == VIDEO
    assert samples is not None
    assert samples.tolist() == list(range(100))
    assert frames is not None
    assert [frame.time_s for frame in frames] == [0.0, 0.08]
    assert frames[1].image.shape == (6, 8, 3)


def test_nothing_exists_before_decoding(tmp_path: Path) -> None:
    assert not Derived(tmp_path / "none").exists


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("container.json", b"{}"),
        ("container.json", b"\xff\xfe"),
        ("audio.npy", b""),
        ("audio.npy", b"\x93NUMPY\x01\x00"),
        ("frames.json", b'{"offsets": [0, 5], "times_s": [], "width": 8, "height": 6}'),
        ("frames.json", b'{"offsets": [], "times_s": [], "width": 8, "height": 6}'),
        ("frames.json", b"not json"),
        ("frames.jpg", b"\xff\xd8 short"),
    ],
)
def test_damage_is_told_and_can_be_discarded(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    derived = Derived(folder)
    with pytest.raises(DerivedDamaged, match=rf"^{name} of the derived media of clip .* damaged\.$"):
        (derived.container(), derived.audio(), derived.frames())
    derived.discard()
    assert not derived.exists
    derived.discard()


@pytest.mark.parametrize("name", ["container.json", "audio.npy", "frames.json", "frames.jpg"])
def test_a_missing_part_is_damage(folder: Path, name: str) -> None:
    (folder / name).unlink()
    derived = Derived(folder)
    with pytest.raises(DerivedDamaged, match=name):
        (derived.container(), derived.audio(), derived.frames())


def test_a_jpeg_of_noise_is_damage(folder: Path) -> None:
    (folder / "frames.jpg").write_bytes(bytes((folder / "frames.jpg").stat().st_size))
    with pytest.raises(DerivedDamaged, match=r"frames\.jpg"):
        Derived(folder).frames()


@pytest.mark.parametrize("samples", [np.zeros((2, 2), np.int16), np.zeros(3, np.float32)])
def test_audio_of_another_shape_or_type_is_damage(folder: Path, samples: np.ndarray) -> None:
    np.save(folder / "audio.npy", samples)
    with pytest.raises(DerivedDamaged, match=r"audio\.npy"):
        Derived(folder).audio()


def test_pickled_audio_is_never_loaded(folder: Path) -> None:
    np.save(folder / "audio.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DerivedDamaged, match=r"audio\.npy"):
        Derived(folder).audio()


def test_what_a_process_that_is_gone_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = os.uname().nodename
    dead = tmp_path / f".clip.{host}.{gone.pid}.00"
    kept = (f".clip.{host}.{os.getppid()}.00", f".clip.elsewhere.{gone.pid}.00", f".clip2.{host}.{gone.pid}.00", "clip")
    for folder in (dead, *(tmp_path / name for name in kept)):
        folder.mkdir()
        (folder / "frames.jpg").write_bytes(b"half")
    with whole_folder(tmp_path / "clip") as mine:
        discard_remains(tmp_path / "clip")
        assert mine.is_dir()
    assert {folder.name for folder in tmp_path.iterdir()} == set(kept)


def test_there_are_no_remains_where_nothing_was_made(tmp_path: Path) -> None:
    discard_remains(tmp_path / "none" / "clip")
    assert list(tmp_path.iterdir()) == []
