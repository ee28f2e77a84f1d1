"""The committed example clips are what their README says."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest

from examples.encode import FRAME_RATE
from examples.speech import Spoken, loudness
from examples.table import CLIPS, COPIES, TEXTS
from tests.examples.reading import CLIP_FOLDER, faces_at, level_db, pictures, sound, table

SHOWN = [clip.file for clip in CLIPS if clip.shots]
ALONE = [clip.file for clip in CLIPS if clip.shots and all(len(shot.people) == 1 for shot in clip.shots)]
MOUTH = (slice(270, 330), slice(265, 375))  # rows, columns around the mouth of a face drawn at (320, 212)
SPEAKING = [
    "smiling_bright.mp4",
    "sad_low.mp4",
    "angry_loud.mp4",
    "mixed_smile.mp4",
    "shouting.mp4",
    "plain_report.mp4",
]


def follows(file: str) -> float:
    """Correlation of a face's mouth with the voice that is heard."""
    mouths = np.array([picture[MOUTH].min(axis=1).mean() for picture in pictures(file)], dtype=float)
    voice = loudness(Spoken(sound(file), ()), FRAME_RATE, len(mouths))
    return abs(float(np.corrcoef(mouths, voice)[0, 1]))


def motion(file: str) -> float:
    mouths = np.array([picture[MOUTH] for picture in pictures(file)], dtype=float)
    return float(np.abs(np.diff(mouths, axis=0)).mean())


def test_all_files_together_stay_under_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in CLIP_FOLDER.iterdir()) < 3_000_000


@pytest.mark.parametrize("file", [clip.file for clip in CLIPS])
def test_a_clip_promises_two_to_six_seconds(file: str) -> None:
    with av.open(str(CLIP_FOLDER / file)) as container:
        assert 2.0 <= container.duration / av.time_base <= 6.0


@pytest.mark.parametrize("file", [clip.file for clip in CLIPS if clip.shots and not clip.rotated])
def test_a_picture_is_640_by_480_at_one_frame_rate(file: str) -> None:
    with av.open(str(CLIP_FOLDER / file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == (640, 480)
        assert float(stream.average_rate) == FRAME_RATE


@pytest.mark.parametrize("file", [clip.file for clip in CLIPS if clip.shots and clip.kept == 1.0 and not clip.dropped])
def test_an_intact_clip_has_all_the_frames_it_promises(file: str) -> None:
    with av.open(str(CLIP_FOLDER / file)) as container:
        promised = container.duration / av.time_base * FRAME_RATE
    assert len(pictures(file)) == pytest.approx(promised, abs=1.5)


@pytest.mark.parametrize("detector", ["default", "alt2"])
@pytest.mark.parametrize("file", ALONE)
def test_a_detector_finds_the_one_face(file: str, detector: str) -> None:
    found = [len(faces_at(picture, detector)) for picture in pictures(file)[::12]]
    assert np.mean(np.array(found) > 0) >= 0.9
    assert max(found) == 1


@pytest.mark.parametrize("detector", ["default", "alt2"])
def test_a_detector_finds_nobody_in_the_landscape(detector: str) -> None:
    assert [len(faces_at(picture, detector)) for picture in pictures("nobody.mp4")[::12]] == [0] * 8


@pytest.mark.parametrize("file", SPEAKING)
def test_a_speaking_mouth_opens_with_the_voice(file: str) -> None:
    assert follows(file) > 0.4


def test_a_dubbed_mouth_moves_but_does_not_open_with_the_voice() -> None:
    assert motion("dubbed.mp4") > 3 * motion("voice_over_still_mouth.webm")
    assert follows("dubbed.mp4") < 0.25


def test_the_still_mouth_moves_less_than_a_speaking_one() -> None:
    assert motion("voice_over_still_mouth.webm") < 0.6 * motion("smiling_bright.mp4")


def test_loud_bright_and_low_voices_differ_in_level() -> None:
    shouted, angry, happy, sad, whispered = (
        level_db(sound(f"{name}.mp4")) for name in ("shouting", "angry_loud", "smiling_bright", "sad_low", "whispering")
    )
    assert shouted > angry + 3
    assert angry > happy + 3
    assert happy > sad + 6
    assert sad > whispered + 6


def test_the_manifest_names_exactly_what_lies_in_the_folder() -> None:
    rows = table("manifest.csv")
    named = {row["path"] for row in rows} | {row["subtitle"] for row in rows if row["subtitle"]}
    assert named == {path.name for path in CLIP_FOLDER.iterdir() if path.suffix != ".csv"}
    assert [row["name"] for row in rows] == [Path(row["path"]).stem for row in rows]
    assert [row["path"] for row in rows] == [*(clip.file for clip in CLIPS), *COPIES, *TEXTS]
    assert {row["licence"] for row in rows} == {"Apache-2.0"}
    assert {row["consent"] for row in rows} == {"any"}


def test_the_tables_repeat_what_the_script_says() -> None:
    said = {row["clip"]: row for row in table("sentences.csv")}
    assert {name: row["sentence"] for name, row in said.items()} == {
        clip.name: " ".join(clip.sentences) for clip in CLIPS if clip.voice
    }
    for clip in CLIPS:
        subtitle = CLIP_FOLDER / f"{clip.name}.srt"
        assert subtitle.exists() == clip.subtitle
        if clip.subtitle:
            words = clip.subtitle_words or clip.sentences
            assert all(sentence in subtitle.read_text(encoding="utf-8") for sentence in words)


def test_many_plain_sentences_are_spoken_as_flite_speaks_by_itself() -> None:
    plain = [
        row
        for row in table("sentences.csv")
        if (row["pitch_modified"], row["effort"], row["noise_snr_db"], row["subtitle"]) == ("no", "spoken", "", "no")
    ]
    assert sum(len(row["sentence"].rstrip(".!").split(". ")) for row in plain) >= 12
    own = {"slt": ("172.0", "27.0", "1.0"), "rms": ("98.0", "24.0", "1.0"), "awb": ("132.0", "25.0", "1.0")}
    assert {row["voice"] for row in plain} == set(own)
    for row in plain:
        assert (row["f0_mean_hz"], row["f0_stddev_hz"], row["duration_stretch"]) == own[row["voice"]]


def test_the_readme_has_a_row_for_every_name() -> None:
    page = (CLIP_FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([^`]+)`", page, re.MULTILINE) == [row["path"] for row in table("manifest.csv")]


@pytest.mark.parametrize("file", SHOWN)
def test_no_frame_is_black_or_without_contrast(file: str) -> None:
    assert all(40 < picture.mean() < 230 and picture.std() > 15 for picture in pictures(file)[::12])


def test_no_two_clips_share_a_seed_or_a_name() -> None:
    assert len({clip.seed for clip in CLIPS}) == len({clip.file for clip in CLIPS}) == len(CLIPS)
