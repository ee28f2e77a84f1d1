"""The contenders of benchmarks.media read the same frames, and the made clips are what their names say."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.five_second_clips import (
    CHOSEN,
    EXAMPLES,
    FRAMES,
    HEIGHT,
    SAMPLES,
    WIDTH,
    copies,
    five_second_examples,
    read,
    write,
)
from benchmarks.media import LIMITS, POLICY, Grid, Took, race, rows_of, with_opencv, with_pyav
from mercap.media.decode import decode
from mercap.media.derived import Derived

SAMPLED = 63  # 5 s at 12.5 per second, both ends of the grid included


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first example, made 5 s long."""
    (path,) = five_second_examples(tmp_path_factory.mktemp("made"), 1)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    write(path, repeat(picture, FRAMES), np.zeros(SAMPLES, np.float32))
    return path


def test_a_made_clip_is_five_seconds_of_h264_and_aac(made: Path) -> None:
    with av.open(str(made)) as media:
        video, audio = media.streams.video[0], media.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, float(video.average_rate or 0)) == (640, 480, 25.0)
        assert float(video.duration * video.time_base) == pytest.approx(5.0)
        assert float(audio.duration * audio.time_base) == pytest.approx(5.0, abs=0.05)


def test_a_made_clip_shows_and_says_what_its_example_does_and_then_starts_again(made: Path) -> None:
    pictures, sound = read(made)
    original, said = read(EXAMPLES / f"{CHOSEN[0]}.mp4")
    once = len(original)
    assert once < FRAMES == len(pictures)
    for number in (10, once - 1, once, once + 5):
        assert np.abs(pictures[number].astype(int) - original[number % once]).mean() < 3
    start = round(once / 25 * 48_000)
    first, again = sound[: SAMPLES - start], sound[start:SAMPLES]
    assert np.corrcoef(first, again)[0, 1] > 0.9
    assert np.corrcoef(first, said[: len(first)])[0, 1] > 0.9


def test_copies_differ_in_content_and_decode_alike(plain: Path, tmp_path: Path) -> None:
    made = copies([plain], tmp_path, 3)
    assert len({path.read_bytes() for path in made}) == 3
    assert [with_pyav(path, "all") for path in made] == [FRAMES] * 3


def test_every_contender_takes_the_same_frames(plain: Path, tmp_path: Path) -> None:
    assert with_pyav(plain, "none") == 0
    assert with_pyav(plain, "all") == with_opencv(plain, "all") == FRAMES
    assert with_pyav(plain, "sampled") == with_pyav(plain, "sampled", sound=True) == SAMPLED
    assert with_opencv(plain, "sampled") == SAMPLED
    decode(plain, POLICY, LIMITS, tmp_path / "derived")
    assert len(Derived(tmp_path / "derived").frames() or ()) == SAMPLED


def test_the_grid_takes_a_frame_once_and_none_twice() -> None:
    grid = Grid()
    assert [grid.takes(time) for time in (0.0, 0.04, 0.08, 0.08, 0.5, 0.52)] == [True, False, True, False, True, False]


def test_in_a_race_every_contender_runs_every_round(plain: Path, tmp_path: Path) -> None:
    taken = race([plain], 2, tmp_path)
    assert {len(times) for clips in taken.values() for times in clips.values()} == {2}
    rows = rows_of("plain", {plain: FRAMES}, taken)
    assert rows[0]["contender"] == "ours"
    assert rows[0]["median_of_ours"] == 1.0
    assert all(row["min_ms"] <= row["median_ms"] for row in rows)


def test_the_rows_are_means_over_clips_of_each_clips_least_and_median() -> None:
    one, two = Path("one"), Path("two")
    taken = {
        "ours": {one: [Took(wall, 8.0) for wall in (10.0, 30.0, 20.0)], two: [Took(40.0, 40.0)] * 3},
        "other": {one: [Took(5.0, 5.0)] * 3, two: [Took(10.0, 7.0)] * 3},
    }
    ours, other = rows_of("both", {one: 100, two: 200}, taken)
    assert (ours["min_ms"], ours["median_ms"], ours["cpu_ms"], ours["frames_per_s"]) == (25.0, 30.0, 24.0, 5000.0)
    assert (other["min_of_ours"], other["median_of_ours"], other["cpu_of_ours"]) == (0.3, 0.25, 0.25)
