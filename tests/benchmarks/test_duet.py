"""Duet's clips are balanced as they claim, and its arms do what they are for. The trainings are slow tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.generated.duet import LABELS, MOMENTS, SIDE, TASKS, Task, draw_clips, draw_states
from benchmarks.generated.duet_film import write_films
from mercap.media.decode import decode
from mercap.media.derived import Derived
from mercap.media.policy import MediaLimits, MediaPolicy


def states(task: Task, count: int = 400) -> tuple[Any, Any]:
    return draw_states(task, count, np.random.default_rng(0))


@pytest.mark.parametrize("task", TASKS)
def test_the_label_is_one_in_all_moments_and_half_of_the_clips_have_each(task: Task) -> None:
    face, voice = states(task)
    product = face * voice
    assert np.array_equal(product, product[:, :1].repeat(MOMENTS, axis=1))
    assert (product[:, 0] == 1).sum() == 200


def test_in_congruence_the_four_combinations_are_equally_many() -> None:
    face, voice = states("congruence")
    pairs, counts = np.unique(np.stack([face[:, 0], voice[:, 0]]), axis=1, return_counts=True)
    assert pairs.shape == (2, 4)
    assert counts.tolist() == [100] * 4


def test_in_synchrony_the_mean_of_each_stream_is_the_same_in_every_clip() -> None:
    face, voice = states("synchrony", 2_000)
    assert (face.sum(axis=1) == 0).all()
    assert (voice.sum(axis=1) == 0).all()
    assert len(np.unique(face, axis=0)) == 70  # 8 choose 4


def test_the_same_seed_gives_the_same_clips_and_another_seed_others() -> None:
    first, again, other = (draw_clips("synchrony", 8, seed) for seed in (3, 3, 4))
    assert first.names == again.names
    assert not set(first.names) & set(other.names)


def test_a_number_of_clips_that_cannot_be_balanced_is_refused() -> None:
    with pytest.raises(ValueError, match="6 clips cannot be four equal groups"):
        draw_clips("congruence", 6, 0)


def test_a_smile_has_teeth_and_a_frown_has_none() -> None:
    clips = draw_clips("congruence", 64, 0)
    mouth = clips.frames[:, :, 18:26, 12:20].max(axis=-1)
    teeth = (mouth > 210).mean(axis=(1, 2, 3))
    smiling = clips.face[:, 0] == 1
    assert teeth[smiling].min() > 0.2
    assert teeth[~smiling].max() < 0.02


def test_a_bright_syllable_rises_and_a_dark_one_falls() -> None:
    clips = draw_clips("congruence", 32, 0)
    syllable = clips.sound.reshape(32, MOMENTS, -1)[:, 0].astype(np.float64)
    power = np.abs(np.fft.rfft(syllable, axis=1)) ** 2
    hertz = np.fft.rfftfreq(syllable.shape[1], 1 / 16_000)
    centre = (power * hertz).sum(axis=1) / power.sum(axis=1)
    bright = clips.voice[:, 0] == 1
    assert centre[bright].min() > centre[~bright].max()
    halves = [np.abs(np.fft.rfft(half, 16_000, axis=1))[:, 60:400].argmax(axis=1) + 60
              for half in np.split(syllable, 2, axis=1)]  # fmt: skip
    assert (halves[1] > halves[0])[bright].mean() > 0.9
    assert (halves[1] < halves[0])[~bright].mean() > 0.9


def test_clips_have_the_shapes_that_the_encoders_read_and_nothing_is_cut_off() -> None:
    clips = draw_clips("synchrony", 4, 0)
    assert clips.frames.shape == (4, MOMENTS, SIDE, SIDE, 3)
    assert clips.sound.shape == (4, 12_800)
    assert np.abs(clips.sound.astype(int)).max() < 32_000
    assert {LABELS[label] for label in clips.labels} == set(LABELS)


def test_a_film_carries_each_moment_through_codec_and_decoder(tmp_path: Path) -> None:
    clips = draw_clips("synchrony", 4, 0)
    for number, path in enumerate(write_films(clips, tmp_path)):
        decode(path, MediaPolicy(), MediaLimits(), tmp_path / f"derived-{number}")
        derived = Derived(tmp_path / f"derived-{number}")
        frames, audio = derived.frames() or [], derived.audio()
        assert [round(frame.time_s, 2) for frame in frames] == [round(0.1 * moment, 2) for moment in range(MOMENTS)]
        assert audio is not None
        heard = np.corrcoef(audio[:12_800], clips.sound[number])[0, 1]
        assert heard > 0.95
        mouths = np.array([frame.image[108:156, 72:120].max() for frame in frames], float)
        assert np.array_equal(mouths > 215, clips.face[number] == 1)
