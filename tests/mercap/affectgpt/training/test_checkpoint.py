"""Checkpoints: whole or not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.training import checkpoint  # noqa: E402
from mercap.affectgpt.training.loop import fit  # noqa: E402
from mercap.errors import StoreError, UsageError  # noqa: E402


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder with checkpoints of steps 2, 4 and 6, and the model they are of."""
    folder = tmp_path_factory.mktemp("run")
    model = school.learner()
    options = school.quick(steps=6, checkpoint_every=2)
    list(fit(model, school.lessons(model.config, 6), options, folder))
    return folder, model


@pytest.fixture
def folder(run: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(run[0] / "checkpoints", tmp_path / "checkpoints"))


def tensors_of(folder: Path, step: int) -> Path:
    return folder / f"step-{step:09d}.safetensors"


def test_a_checkpoint_gives_its_weights_to_another_model(run: tuple[Path, Any]) -> None:
    folder, model = run
    expected = dict(model.named_parameters())
    for place in (folder, folder / "checkpoints", tensors_of(folder / "checkpoints", 6)):
        other = school.learner(seed=1)
        found = checkpoint.load_weights(other, place)
        assert found.step == 6
        trained = [(name, value) for name, value in other.named_parameters() if value.requires_grad]
        assert all(torch.equal(value, expected[name]) for name, value in trained)
        assert len(trained) > 28


def test_the_json_says_what_the_run_was_made_of(folder: Path) -> None:
    about = json.loads((folder / "step-000000006.json").read_text())
    assert about["step"] == 6
    assert about["run"]["options"]["pack_tokens"] == 64
    assert about["run"]["versions"]["torch"] == torch.__version__.partition("+")[0] or about["run"]["versions"]["torch"]
    assert {"data", "model", "frozen", "start", "identity"} <= about["run"].keys()


def damages() -> dict[str, Any]:
    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-100])

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)

    return {
        "cut": cut,
        "one bit": flip,
        "empty": lambda path: path.write_bytes(b""),
        "missing": Path.unlink,
        "json cut": lambda path: cut(path.with_suffix(".json")),
        "json of something else": lambda path: path.with_suffix(".json").write_text("[1]"),
    }


@pytest.mark.parametrize("damage", damages())
def test_where_the_newest_is_torn_the_one_before_counts(folder: Path, damage: str) -> None:
    path = tensors_of(folder, 6)
    damages()[damage](path)
    found, torn = checkpoint.newest(folder)
    assert found is not None
    assert (found.step, torn) == (4, [path])
    with pytest.raises(StoreError, match=r"step-000000006.safetensors (is damaged|cannot be read)"):
        checkpoint.read(path)


def test_a_run_tells_that_it_passed_over_a_torn_checkpoint(run: tuple[Path, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run[0], tmp_path / "run"))
    tensors_of(folder / "checkpoints", 6).write_bytes(b"")
    model = school.learner()
    options = school.quick(steps=6, checkpoint_every=2)
    events = list(fit(model, school.lessons(model.config, 6), options, folder))
    assert events[0].note == "step-000000004.safetensors (1 newer, damaged: step-000000006.safetensors)"
    assert [event.step for event in events if event.kind == "step"] == [5, 6]
    expected = dict(run[1].named_parameters())
    assert all(torch.equal(value, expected[name]) for name, value in model.named_parameters())


def test_a_torn_checkpoint_does_not_take_the_place_of_a_whole_one(run: tuple[Path, Any], tmp_path: Path) -> None:
    """Of two where one is to be kept, the whole one stays, until there is a newer."""
    folder = Path(shutil.copytree(run[0], tmp_path / "run"))
    tensors_of(folder / "checkpoints", 6).write_bytes(b"")
    model = school.learner()
    events = fit(model, school.lessons(model.config, 6), school.quick(steps=6, keep=1), folder)
    assert (next(events).kind, next(events).kind) == ("resumed", "step")
    events.close()
    found, torn = checkpoint.newest(folder / "checkpoints")
    assert found is not None
    assert (found.step, torn) == (4, [])


def test_where_all_are_torn_nothing_is_begun_anew_in_silence(folder: Path) -> None:
    for step in (2, 4, 6):
        tensors_of(folder, step).write_bytes(b"")
    with pytest.raises(StoreError, match="No checkpoint in .* is whole; delete the folder to begin the run anew"):
        checkpoint.newest(folder)


def test_the_oldest_go_and_nothing_half_is_left(folder: Path) -> None:
    (folder / ".tmp-abc-step-000000008.safetensors").write_bytes(b"half")
    tensors_of(folder, 8).write_bytes(b"not vouched for")
    checkpoint.prune(folder, keep=2)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"step-00000000{step}.{kind}" for step in (4, 6) for kind in ("json", "safetensors")
    ]


def test_another_model_is_a_sentence(run: tuple[Path, Any]) -> None:
    wider = school.learner(batches.vivid(lora_rank=2))
    with pytest.raises(UsageError, match=r"is of another model: '.*lora_A.*' is \(4, 64\) there, \(2, 64\) here"):
        checkpoint.load_weights(wider, run[0])
    fewer = school.learner(batches.vivid(lora_targets=["q_proj"]))
    with pytest.raises(UsageError, match="is of another model: it has, and the model does not train, "):
        checkpoint.load_weights(fewer, run[0])
    other = school.learner(batches.vivid(fusion="qformer", pooling="qformer"))
    with pytest.raises(UsageError, match="is of another model"):
        checkpoint.load_weights(other, run[0])


def test_no_checkpoint_and_another_format_are_sentences(folder: Path, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        shutil.rmtree(tmp_path / "empty", ignore_errors=True)
        with pytest.raises(UsageError, match="There is no checkpoint at"):
            checkpoint.find(place / "empty")
    about = folder / "step-000000006.json"
    about.write_text(about.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(UsageError, match="has format 2, this program reads format 1"):
        checkpoint.find(folder)


def test_a_failed_load_changes_nothing(run: tuple[Path, Any]) -> None:
    model = school.learner(batches.vivid(lora_rank=2))
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    with pytest.raises(UsageError):
        checkpoint.load_weights(model, run[0])
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())
