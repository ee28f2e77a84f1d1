from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mercap.affectgpt.device import find_device  # noqa: E402
from mercap.errors import UsageError  # noqa: E402


def test_auto_is_the_cpu_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto", 3) == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cuda", "torch sees no GPU"),
        ("cuda:1", "torch sees no GPU"),
        ("toaster", "'toaster' is not one that torch knows"),
        ("xpu", "'xpu' cannot be used here: "),
    ],
)
def test_a_device_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str, sentence: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=sentence):
        find_device(name)


def test_each_process_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", lambda _size, device: device)
    assert find_device("auto", 3) == torch.device("cuda", 3)
    assert find_device("cuda:1", 3) == torch.device("cuda", 1)
