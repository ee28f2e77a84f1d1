"""The detector on a real pipeline of pyannote.audio, tiny, whose two speakers are a low and a high tone."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.backends.pyannote import PyannoteDetector
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import UsageError
from mercap.records import Diarization

torch = pytest.importorskip("torch")
repair_torchaudio()
pytest.importorskip("pyannote.audio", exc_type=ImportError)
tiny = pytest.importorskip("tests.tiny_pyannote")

pytestmark = [
    pytest.mark.engine,
    # Lightning's, when the builder saves a model; torchcodec's, when the builder imports pyannote's classes.
    pytest.mark.filterwarnings(r"ignore:\s*torchcodec is not installed correctly"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:lightning"),
]

Audio = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build_tiny_pipeline(tmp_path_factory.mktemp("pyannote") / "tiny")


@pytest.fixture(scope="module")
def detector(folder: Path) -> PyannoteDetector:
    return PyannoteDetector(str(folder))


@pytest.fixture(scope="module")
def talk() -> Audio:
    """High from 1 to 3 s, low from 4 to 6 s, high from 7 to 8.5 s, in 9 s."""
    said = (tiny.silence(1), tiny.tone(1, 2), tiny.silence(1), tiny.tone(0, 2), tiny.silence(1), tiny.tone(1, 1.5))
    return np.concatenate([*said, tiny.silence(0.5)])


def test_every_turn_is_found_with_its_speaker(detector: PyannoteDetector, talk: Audio) -> None:
    found = detector.diarize(talk, 16_000)
    assert [turn.speaker for turn in found.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    edges = [edge for turn in found.turns for edge in (turn.start_s, turn.end_s)]
    assert edges == pytest.approx([1, 3, 4, 6, 7, 8.5], abs=0.25)
    assert [(span.start_s, span.end_s) for span in found.speech] == [(t.start_s, t.end_s) for t in found.turns]
    assert found.duration_s == 9.0
    assert found.speech_ratio == pytest.approx(5.5 / 9, abs=0.05)


def test_another_sample_rate_is_resampled(detector: PyannoteDetector, talk: Audio) -> None:
    found = detector.diarize(talk[::2].copy(), 8_000)
    assert found.duration_s == 9.0
    assert [turn.speaker for turn in found.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]


@pytest.mark.parametrize("audio", [np.zeros(0, np.int16), np.zeros(1, np.int16), np.zeros(32_000, np.int16)])
def test_silence_holds_no_speech(audio: Audio, detector: PyannoteDetector) -> None:
    found = detector.diarize(audio, 16_000)
    assert found == Diarization(speech=(), turns=(), duration_s=len(audio) / 16_000, speech_s=0.0, speech_ratio=0.0)


def test_a_clip_too_short_to_tell_speakers_apart_has_one(detector: PyannoteDetector) -> None:
    found = detector.diarize(tiny.tone(0, 0.3), 16_000)
    assert [turn.speaker for turn in found.turns] == ["SPEAKER_00"]
    assert found.turns[0].end_s <= 0.3


def test_at_most_so_many_speakers_are_found(folder: Path, talk: Audio) -> None:
    found = PyannoteDetector(str(folder), max_speakers=1).diarize(talk, 16_000)
    assert {turn.speaker for turn in found.turns} == {"SPEAKER_00"}


def test_at_least_so_many_speakers_are_found(folder: Path, talk: Audio, tmp_path: Path) -> None:
    blind = shutil.copytree(folder, tmp_path / "blind")
    config = (blind / "config.yaml").read_text()
    assert "threshold: 0.2" in config
    (blind / "config.yaml").write_text(config.replace("threshold: 0.2", "threshold: 2.0"))
    alone, apart = (PyannoteDetector(str(blind), min_speakers=least).diarize(talk, 16_000) for least in (None, 2))
    assert {turn.speaker for turn in alone.turns} == {"SPEAKER_00"}
    assert {turn.speaker for turn in apart.turns} == {"SPEAKER_00", "SPEAKER_01"}


def test_the_clustering_of_community_1_runs(tmp_path: Path, folder: Path, talk: Audio) -> None:
    other = shutil.copytree(folder, tmp_path / "vbx")
    tiny.write_config(other, "VBxClustering")
    assert len(PyannoteDetector(str(other), min_speakers=2).diarize(talk, 16_000).turns) == 3


def test_a_real_clip_gives_spans_in_order_inside_it(
    detector: PyannoteDetector, clip_audio: Callable[[str], Audio]
) -> None:
    found = detector.diarize(clip_audio("sad_low"), 16_000)
    edges = [edge for span in found.speech for edge in (span.start_s, span.end_s)]
    assert edges == sorted(edges)
    assert all(0.0 <= edge <= found.duration_s for edge in edges)


def test_an_answer_does_not_depend_on_what_was_heard_before(folder: Path, talk: Audio) -> None:
    fresh = PyannoteDetector(str(folder))
    first = fresh.diarize(talk, 16_000)
    fresh.diarize(tiny.tone(0, 3), 16_000)
    assert fresh.diarize(talk, 16_000) == first


def told(turns: list[tuple[float, float, str]], duration_s: float) -> Diarization:
    """What becomes of turns that a pipeline reports."""
    detector = PyannoteDetector("none")
    tracks = [(SimpleNamespace(start=start, end=end), 0, name) for start, end, name in turns]
    detector.__dict__["_pipeline"] = lambda *_, **__: SimpleNamespace(
        speaker_diarization=SimpleNamespace(itertracks=lambda yield_label: iter(tracks))
    )
    return detector.diarize(np.ones(round(duration_s * 1_000), np.int16), 1_000)


def test_overlapping_turns_stay_and_their_speech_is_one_span() -> None:
    found = told([(2.0, 4.0, "B"), (1.0, 3.0, "A"), (3.5, 3.6, "A"), (4.0, 5.0, "C"), (6.0, 9.0, "B")], 7.0)
    assert [(t.start_s, t.end_s, t.speaker) for t in found.turns] == [
        (1.0, 3.0, "SPEAKER_00"),
        (2.0, 4.0, "SPEAKER_01"),
        (3.5, 3.6, "SPEAKER_00"),
        (4.0, 5.0, "SPEAKER_02"),
        (6.0, 7.0, "SPEAKER_01"),
    ]
    assert [(span.start_s, span.end_s) for span in found.speech] == [(1.0, 5.0), (6.0, 7.0)]


@given(
    st.lists(st.tuples(st.floats(-1, 12), st.floats(-1, 12), st.sampled_from("XYZ")), max_size=8), st.floats(0.01, 10)
)
def test_speech_is_the_union_of_the_turns(turns: list[tuple[float, float, str]], duration_s: float) -> None:
    found = told(turns, duration_s)
    steps = np.arange(0.0005, 12, 0.001)
    said = np.zeros(len(steps), bool)
    for turn in found.turns:
        said |= (turn.start_s < steps) & (steps < turn.end_s)
    covered = np.zeros(len(steps), bool)
    for span in found.speech:
        assert not (covered & (span.start_s < steps) & (steps < span.end_s)).any()
        covered |= (span.start_s < steps) & (steps < span.end_s)
    assert (said == covered).all()
    edges = [edge for span in found.speech for edge in (span.start_s, span.end_s)]
    assert edges == sorted(edges)
    assert all(0.0 <= edge <= found.duration_s for edge in edges)
    assert list(dict.fromkeys(t.speaker for t in found.turns)) == sorted({str(t.speaker) for t in found.turns})


class _Touch:
    """A pickle of this runs a program."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("how", ["torch", "plain"])
def test_a_pickle_that_runs_code_is_refused(how: str, folder: Path, talk: Audio, tmp_path: Path) -> None:
    wicked = shutil.copytree(folder, tmp_path / "wicked")
    place = wicked / "segmentation" / "pytorch_model.bin"
    if how == "torch":
        torch.save({"state_dict": {}, "epoch": _Touch(tmp_path / "ran")}, place)
    else:
        place.write_bytes(pickle.dumps(_Touch(tmp_path / "ran")))
    with pytest.raises(UsageError, match="cannot be loaded on cpu") as fault:
        PyannoteDetector(str(wicked)).diarize(talk, 16_000)
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_trusted_may_run_code(folder: Path, talk: Audio, tmp_path: Path) -> None:
    strange = shutil.copytree(folder, tmp_path / "strange")
    place = strange / "segmentation" / "pytorch_model.bin"
    checkpoint = torch.load(place, weights_only=False)
    torch.save({**checkpoint, "notes": _Touch(tmp_path / "ran")}, place)
    with pytest.raises(UsageError, match="cannot be loaded"):
        PyannoteDetector(str(strange)).diarize(talk, 16_000)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UsageError, match="File exists"):  # it is read twice
        PyannoteDetector(str(strange), trust_pickles=True).diarize(talk, 16_000)
    assert (tmp_path / "ran").is_dir()


def test_torch_is_as_strict_as_before_when_a_pipeline_was_loaded(folder: Path, talk: Audio) -> None:
    PyannoteDetector(str(folder)).diarize(talk, 16_000)
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ
    allowed = {getattr(kind, "__name__", kind) for kind in torch.serialization.get_safe_globals()}
    assert not allowed & {"Specifications", "Problem", "Resolution"}


def test_a_process_without_network_loads_and_reports_nothing(folder: Path) -> None:
    """As a worker does it, with whatever torchaudio there is."""
    program = f"""
import os
from mercap.workers.network import cut_network
cut_network()
import numpy as np
from mercap.backends.pyannote import PyannoteDetector
times = np.arange(32_000) / 16_000
tone = (8_000 * np.sin(2 * np.pi * 1760 * times)).astype(np.int16)
talk = np.concatenate([0 * tone, tone, 0 * tone])
print(len(PyannoteDetector({str(folder)!r}).diarize(talk, 16_000).turns))
from pyannote.audio.telemetry.metrics import is_metrics_enabled
print(is_metrics_enabled())
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert run.stdout.split() == ["1", "False"], run.stderr
