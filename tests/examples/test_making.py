"""Drawing, speaking and encoding do what the table asks, the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from examples.canvas import Canvas
from examples.cast import EVE
from examples.encode import write
from examples.expressions import Expression
from examples.faces import draw_face
from examples.make_clips import main, make
from examples.scenery import wall
from tests.examples.reading import row

MOUTH = (slice(270, 330), slice(265, 375))  # rows, columns around the mouth of a face drawn at (320, 212)
TONE = (0.3 * np.sin(np.arange(4000) * 0.2)).astype(np.float32)


def drawn(face: Expression) -> npt.NDArray[np.uint8]:
    canvas = Canvas(wall((200, 200, 200), (150, 150, 150)))
    draw_face(canvas, EVE, face, (320.0, 212.0), 132.0)
    return canvas.finish(np.zeros((480, 640), np.float32))


def test_drawing_twice_gives_the_same_pixels() -> None:
    face = Expression(smile=0.5, mouth_open=0.3, tilt_deg=2.0)
    assert np.array_equal(drawn(face), drawn(face))


def test_a_smile_changes_the_mouth_and_not_the_forehead_or_the_wall() -> None:
    changed = np.abs(drawn(Expression()).astype(int) - drawn(Expression(smile=1.0)).astype(int)).max(axis=2) > 20
    assert changed[MOUTH].mean() > 0.1
    assert not changed[:170].any()
    assert not changed[:, :150].any()


def test_smiling_raises_the_ends_of_the_dark_line_between_the_lips() -> None:
    def sag(smile: float) -> float:
        """Rows by which the middle of the darkest line lies below its ends."""
        rows = drawn(Expression(smile=smile))[MOUTH].min(axis=2).argmin(axis=0)
        return float(rows[50:60].mean() - (rows[20:26].mean() + rows[-26:-20].mean()) / 2)

    assert sag(1.0) > sag(0.0) > sag(-1.0)


def test_making_a_clip_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    short = replace(row("silent_surprise"), seconds=0.2)
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        make(short, folder)
    assert (tmp_path / "a" / short.file).read_bytes() == (tmp_path / "b" / short.file).read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".m4a"])
def test_encoding_sound_and_pictures_twice_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    paths = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in paths:
        write(path, [drawn(Expression(smile=smile)) for smile in (0.0, 0.2, 0.4)], TONE)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_dropped_frame_lets_the_one_before_stand_longer(tmp_path: Path) -> None:
    picture = drawn(Expression())
    write(tmp_path / "a.mp4", [picture, None, picture, picture], None)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx([0.0, 0.08, 0.12])


def test_a_rotated_clip_turns_back_to_the_picture_it_was_given(tmp_path: Path) -> None:
    picture = drawn(Expression())
    write(tmp_path / "a.mp4", [picture, picture], None, rotated=True)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = next(container.decode(video=0))
    upright = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
    assert np.abs(upright.astype(int) - picture.astype(int)).mean() < 4


def test_two_channels_stay_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.m4a", [], np.stack([TONE, np.zeros_like(TONE)]))
    with av.open(str(tmp_path / "a.m4a")) as container:
        left, right = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert np.abs(left).max() > 0.2
    assert np.abs(right).max() < 0.01


def test_without_flite_the_script_says_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["make_clips.py", "--out", str(tmp_path)])
    assert main() == 2
    said = capsys.readouterr().err.strip()
    assert "flite" in said
    assert len(said.splitlines()) == 1
