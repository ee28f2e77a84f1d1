"""The committed example clips are what their README says, and drawing is repeatable."""

from __future__ import annotations

import csv
import functools
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from examples.canvas import Canvas
from examples.encode import FRAME_RATE, write
from examples.expressions import Expression
from examples.faces import draw_face
from examples.make_clips import CLIPS, EVE, main, make
from examples.scenery import wall
from examples.speech import SAMPLE_RATE, Spoken, loudness

CLIP_FOLDER = Path(__file__).parents[2] / "examples" / "clips"
FACES = [clip.file for clip in CLIPS if clip.look is not None]
MOUTH = (slice(270, 330), slice(265, 375))  # rows, columns around the mouth of a face drawn at (320, 212)


@functools.cache
def pictures(file: str) -> list[npt.NDArray[np.uint8]]:
    """Every decodable frame in grey; stops where decoding stops."""
    frames = []
    with av.open(str(CLIP_FOLDER / file)) as container:
        try:
            for frame in container.decode(video=0):
                frames.append(frame.to_ndarray(format="gray"))  # noqa: PERF401 - keeps what came before a fault
        except av.error.InvalidDataError:
            assert file == "truncated.mp4"
    return frames


def sound(file: str) -> npt.NDArray[np.float32]:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(CLIP_FOLDER / file)) as container:
        pieces = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate([piece.to_ndarray()[0] for piece in [*pieces, *resampler.resample(None)]])


def drawn(face: Expression) -> npt.NDArray[np.uint8]:
    canvas = Canvas(wall((200, 200, 200), (150, 150, 150)))
    draw_face(canvas, EVE, face, (320.0, 212.0), 132.0)
    return canvas.finish(np.zeros((480, 640), np.float32))


def faces_found(detector: str, picture: npt.NDArray[np.uint8]) -> int:
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_{detector}.xml")
    return len(cascade.detectMultiScale(picture, 1.1, 5, minSize=(60, 60)))


def test_all_clips_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in CLIP_FOLDER.iterdir()) < 3_000_000


@pytest.mark.parametrize("file", [clip.file for clip in CLIPS])
def test_a_clip_promises_two_to_six_seconds_at_640_by_480(file: str) -> None:
    with av.open(str(CLIP_FOLDER / file)) as container:
        assert 2.0 <= container.duration / av.time_base <= 6.0
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == (640, 480)
        assert float(stream.average_rate) == FRAME_RATE


@pytest.mark.parametrize("file", [clip.file for clip in CLIPS if clip.kept == 1.0])
def test_an_intact_clip_has_all_the_frames_it_promises(file: str) -> None:
    with av.open(str(CLIP_FOLDER / file)) as container:
        promised = container.duration / av.time_base * FRAME_RATE
    assert len(pictures(file)) == pytest.approx(promised, abs=1.5)


@pytest.mark.parametrize("detector", ["default", "alt2"])
@pytest.mark.parametrize("file", FACES)
def test_a_detector_finds_the_one_face(file: str, detector: str) -> None:
    found = [faces_found(detector, picture) for picture in pictures(file)[::12]]
    assert np.mean(np.array(found) > 0) >= 0.9
    assert max(found) == 1


@pytest.mark.parametrize("detector", ["default", "alt2"])
def test_a_detector_finds_nobody_in_the_landscape(detector: str) -> None:
    assert [faces_found(detector, picture) for picture in pictures("nobody.mp4")[::12]] == [0] * 8


def test_the_truncated_clip_can_be_probed_but_lacks_frames_and_fails_to_decode() -> None:
    with av.open(str(CLIP_FOLDER / "truncated.mp4")) as container:
        promised = container.streams.video[0].frames
        assert container.streams.audio
        with pytest.raises(av.error.InvalidDataError):
            list(container.decode(video=0))
    assert 10 < len(pictures("truncated.mp4")) < 0.8 * promised


def test_the_silent_clip_has_no_audio_stream() -> None:
    with av.open(str(CLIP_FOLDER / "silent_surprise.mp4")) as container:
        assert not container.streams.audio
        assert container.streams.video


def test_loud_bright_and_low_voices_differ_in_level() -> None:
    angry, happy, sad = (
        20 * np.log10(np.sqrt(np.mean(sound(file) ** 2)))
        for file in ("angry_loud.mp4", "smiling_bright.mp4", "sad_low.mp4")
    )
    assert angry > happy + 3
    assert happy > sad + 6


@pytest.mark.parametrize("file", ["smiling_bright.mp4", "sad_low.mp4", "angry_loud.mp4", "mixed_smile.mp4"])
def test_a_speaking_mouth_opens_with_the_voice(file: str) -> None:
    mouths = np.array([picture[MOUTH].min(axis=1).mean() for picture in pictures(file)], dtype=float)
    voice = loudness(Spoken(sound(file), ()), FRAME_RATE, len(mouths))
    assert abs(np.corrcoef(mouths, voice)[0, 1]) > 0.4


def test_the_still_mouth_moves_less_than_a_speaking_one() -> None:
    def motion(file: str) -> float:
        mouths = np.array([picture[MOUTH] for picture in pictures(file)], dtype=float)
        return float(np.abs(np.diff(mouths, axis=0)).mean())

    assert motion("voice_over_still_mouth.webm") < 0.6 * motion("smiling_bright.mp4")


def test_the_manifest_names_exactly_what_lies_in_the_folder() -> None:
    with (CLIP_FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named = {row["path"] for row in rows} | {row["subtitle"] for row in rows if row["subtitle"]}
    assert named == {path.name for path in CLIP_FOLDER.iterdir() if path.suffix != ".csv"}
    assert [row["name"] for row in rows] == [Path(row["path"]).stem for row in rows]
    assert {row["licence"] for row in rows} == {"Apache-2.0"}
    assert {row["consent"] for row in rows} == {"any"}


def test_the_tables_repeat_what_the_script_says() -> None:
    with (CLIP_FOLDER / "sentences.csv").open(encoding="utf-8", newline="") as file:
        said = {row["clip"]: row for row in csv.DictReader(file)}
    assert {name: row["sentence"] for name, row in said.items()} == {
        clip.name: " ".join(clip.sentences) for clip in CLIPS if clip.voice
    }
    for clip in CLIPS:
        subtitle = CLIP_FOLDER / f"{clip.name}.srt"
        assert subtitle.exists() == clip.subtitle
        if clip.subtitle:
            assert all(sentence in subtitle.read_text(encoding="utf-8") for sentence in clip.sentences)


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
    short = replace(next(clip for clip in CLIPS if clip.name == "silent_surprise"), seconds=0.2)
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        make(short, folder)
    assert (tmp_path / "a" / short.file).read_bytes() == (tmp_path / "b" / short.file).read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_encoding_sound_and_pictures_twice_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    tone = (0.3 * np.sin(np.arange(4000) * 0.2)).astype(np.float32)
    paths = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in paths:
        write(path, [drawn(Expression(smile=smile)) for smile in (0.0, 0.2, 0.4)], tone)
    assert paths[0].read_bytes() == paths[1].read_bytes()


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
