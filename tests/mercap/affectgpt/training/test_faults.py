"""What goes wrong on the way is a sentence, and the last checkpoint is whole."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")

from mercap.affectgpt.training import checkpoint  # noqa: E402
from mercap.affectgpt.training.events import EVENTS, read_events  # noqa: E402
from mercap.affectgpt.training.faults import TrainingFault  # noqa: E402
from mercap.affectgpt.training.loop import fit  # noqa: E402
from mercap.errors import ExitCode  # noqa: E402


def begin(folder: Path, **changes: Any) -> tuple[Any, Any, Any]:
    """A run with whole checkpoints of steps 3 and 6."""
    model, options = school.learner(), school.quick(checkpoint_every=3, **changes)
    data = school.lessons(model.config, 8)
    list(fit(model, data, options, folder, until=6))
    return model, data, options


def goes_on(folder: Path, data: Any, options: Any) -> None:
    """To the same end as a run that nothing happened to."""
    undisturbed = [event.loss for event in fit(school.learner(), data, options, folder / "other")]
    list(fit(school.learner(), data, options, folder))
    found = [event for event in read_events(folder / EVENTS) if event.kind == "step"]
    assert [event.loss for event in found] == [loss for loss in undisturbed if loss is not None]
    assert len(found) == options.steps


def spoil(model: Any, fault: BaseException | None) -> Any:
    """Let the second call of the model fail, or give no number."""
    forward, calls = model.forward, []

    def spoilt(*args: Any, **given: Any) -> Any:
        calls.append(1)
        output = forward(*args, **given)
        if len(calls) == 2:
            if fault is not None:
                raise fault
            output.loss = output.loss * float("nan")
        return output

    model.forward = spoilt
    return model


@pytest.mark.parametrize("log_every", [1, 4, 50])
def test_a_loss_that_is_no_number_ends_the_run_before_it_is_kept(tmp_path: Path, log_every: int) -> None:
    """Also where it is noticed some steps later: before a checkpoint is made, it always is."""
    _, data, options = begin(tmp_path, log_every=log_every)
    sentence = r"The loss of step 8 is not a finite number, and the checkpoint of step 6 is whole: .*from it .*lower lr"
    with pytest.raises(TrainingFault, match=sentence):
        list(fit(spoil(school.learner(), None), data, options, tmp_path))
    assert checkpoint.newest(tmp_path / "checkpoints")[0].step == 6  # type: ignore[union-attr]
    goes_on(tmp_path, data, options)


def test_a_loss_that_is_no_number_before_the_first_checkpoint_says_that_there_is_none(tmp_path: Path) -> None:
    model = spoil(school.learner(), None)
    with pytest.raises(
        TrainingFault, match=r"The loss of step 2 .* there is no checkpoint yet: begin another run with"
    ):
        list(fit(model, school.lessons(model.config, 8), school.quick(), tmp_path))


def test_a_device_without_memory_says_which_option_to_lower(tmp_path: Path) -> None:
    _, data, options = begin(tmp_path)
    with pytest.raises(TrainingFault, match="ran out of memory with pack_tokens 64; .*lower pack_tokens") as fault:
        list(fit(spoil(school.learner(), torch.OutOfMemoryError("CUDA out of memory")), data, options, tmp_path))
    assert fault.value.exit_code == ExitCode.INTERRUPTED
    goes_on(tmp_path, data, options)


@pytest.mark.parametrize("when", ["tensors", "json"])
def test_a_full_disk_leaves_the_last_checkpoint_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    _, data, options = begin(tmp_path)

    def full(path: Path, *_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_atomically" if when == "tensors" else "write_json", full)
        with pytest.raises(TrainingFault, match="The disk of .* is full; its last checkpoint is whole"):
            list(fit(school.learner(), data, options, tmp_path))
    assert checkpoint.newest(tmp_path / "checkpoints")[0].step == 6  # type: ignore[union-attr]
    goes_on(tmp_path, data, options)


def test_half_a_checkpoint_on_a_full_disk_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, data, options = begin(tmp_path)
    save_file = checkpoint.save_file

    def half(tensors: Any, path: Path, **about: Any) -> None:
        save_file(tensors, path, **about)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(TrainingFault, match="is full"):
        list(fit(school.learner(), data, options, tmp_path))
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == [f"step-00000000{step}.{kind}" for step in (3, 6) for kind in ("json", "safetensors")]


def test_any_other_fault_stays_what_it_is(tmp_path: Path) -> None:
    _, data, options = begin(tmp_path)
    with pytest.raises(OSError, match="cable"):
        list(fit(spoil(school.learner(), OSError(errno.EIO, "cable")), data, options, tmp_path))
