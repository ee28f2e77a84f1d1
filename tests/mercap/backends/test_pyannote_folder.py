from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mercap.backends.pyannote import PyannoteDetector
from mercap.backends.pyannote_folder import read_pipeline
from mercap.errors import UsageError

NAME = "pyannote.audio.pipelines.SpeakerDiarization"
FILES = (
    "segmentation/pytorch_model.bin",
    "embedding/pytorch_model.bin",
    "plda/plda.npz",
    "plda/xvec_transform.npz",
)


def write_pipeline(folder: Path, **changes: Any) -> Path:
    """The layout of community-1, with empty models. ``changes`` are parameters of the pipeline."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    parts = {part: f"$model/{part}" for part in ("segmentation", "embedding", "plda")}
    options = {"clustering": "VBxClustering", **parts, **changes}
    write_config(folder, {"pipeline": {"name": NAME, "params": options}, "params": {"clustering": {"Fa": 0.07}}})
    return folder


def write_config(folder: Path, config: Any) -> None:
    (folder / "config.yaml").write_text(config if isinstance(config, str) else yaml.safe_dump(config))


def refusal(folder: Path) -> str:
    with pytest.raises(UsageError) as fault:
        PyannoteDetector(str(folder)).locate()
    assert repr(str(folder)) in str(fault.value)
    assert "\n" not in str(fault.value)
    return str(fault.value)


def test_a_complete_pipeline_is_found(tmp_path: Path) -> None:
    assert PyannoteDetector(str(write_pipeline(tmp_path))).locate() == tmp_path


def test_parts_are_given_by_their_place_and_parameters_as_they_are(tmp_path: Path) -> None:
    config = read_pipeline(write_pipeline(tmp_path, embedding_exclude_overlap=True), "mine")
    options = config["pipeline"]["params"]
    assert options["embedding"] == {"checkpoint": str(tmp_path), "subfolder": "embedding"}
    assert (options["clustering"], options["embedding_exclude_overlap"]) == ("VBxClustering", True)
    assert config["params"] == {"clustering": {"Fa": 0.07}}


def test_only_the_pipeline_of_a_config_is_used(tmp_path: Path) -> None:
    config = yaml.safe_load((write_pipeline(tmp_path) / "config.yaml").read_text())
    strange = {"preprocessors": {"audio": {"name": "subprocess.Popen", "params": {"args": "true"}}}, "device": "cuda"}
    write_config(tmp_path, {**config, **strange})
    assert set(read_pipeline(tmp_path, "mine")) == {"pipeline", "params"}


@pytest.mark.parametrize("lost", FILES)
def test_an_incomplete_folder_names_what_it_lacks(lost: str, tmp_path: Path) -> None:
    (write_pipeline(tmp_path) / lost).unlink()
    assert f"lacks {lost}" in refusal(tmp_path)


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    assert "lacks config.yaml" in refusal(tmp_path)


@pytest.mark.parametrize(
    "elsewhere", ["pyannote/segmentation-3.0", "$model/segmentation@main", {"checkpoint": "a/b"}, None]
)
def test_a_part_that_lies_elsewhere_is_refused(elsewhere: Any, tmp_path: Path) -> None:
    assert "The segmentation of" in refusal(write_pipeline(tmp_path, segmentation=elsewhere))


@pytest.mark.parametrize("text", ["", "[]", "pipeline: 3", "pipeline: {name: x}", "a: [", "pipeline: {params: {}}"])
def test_a_config_that_describes_no_pipeline_is_refused(text: str, tmp_path: Path) -> None:
    write_config(write_pipeline(tmp_path), text)
    assert "describes no pipeline" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["pyannote.audio.pipelines.VoiceActivityDetection", "subprocess.Popen", None])
def test_another_class_than_speaker_diarization_is_refused(name: str | None, tmp_path: Path) -> None:
    config = yaml.safe_load((write_pipeline(tmp_path) / "config.yaml").read_text())
    config["pipeline"]["name"] = name
    write_config(tmp_path, config)
    assert "not one of speaker diarization" in refusal(tmp_path)


@pytest.mark.parametrize(("least", "most"), [(3, 2), (0, None), (None, 0)])
def test_an_impossible_number_of_speakers_is_refused(least: int | None, most: int | None) -> None:
    with pytest.raises(UsageError, match="no number of speakers"):
        PyannoteDetector("pipeline", min_speakers=least, max_speakers=most)


def test_a_pipeline_that_is_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="'pyannote/none' is neither a folder nor in the local"):
        PyannoteDetector("pyannote/none").locate()
