"""Who has which batches. That two processes make the run of one is in test_resume.py."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")

from mercap.affectgpt.training.distributed import World, find_world, joined  # noqa: E402
from mercap.errors import UsageError  # noqa: E402


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6])
def test_batches_are_shared_out_once_each_under_the_number_they_have_among_all(count: int) -> None:
    batches = [f"batch {number}" for number in range(count)]
    shares = [World(rank, rank, 3).share(batches) for rank in range(3)]
    assert sorted(pair for share in shares for pair in share) == list(enumerate(batches))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_there_is_nothing_to_add_up() -> None:
    world, value = World(), torch.nn.Parameter(torch.zeros(2))
    value.grad = torch.ones(2)
    assert world.add_up_gradients([value], torch.tensor(3.0)).item() == 3.0
    assert value.grad.tolist() == [1.0, 1.0]
    assert world.any(True, torch.device("cpu")) is True
    assert world.any(False, torch.device("cpu")) is False


def test_the_world_is_as_torchrun_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert find_world() == World(0, 0, 1)
    for name, value in {"RANK": "5", "LOCAL_RANK": "1", "WORLD_SIZE": "8"}.items():
        monkeypatch.setenv(name, value)
    assert find_world() == World(rank=5, local_rank=1, size=8)
    assert not find_world().first
    monkeypatch.setenv("RANK", "five")
    with pytest.raises(UsageError, match="start the run with torchrun"):
        find_world()


def test_batches_that_cannot_be_shared_out_evenly_are_a_sentence() -> None:
    context = joined(World(0, 0, 4), torch.device("cpu"), school.quick(accumulate=6))
    with pytest.raises(UsageError, match="accumulate is 6, but must be a multiple of the 4 processes"):
        context.__enter__()
