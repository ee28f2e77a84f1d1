"""The formula of utilisation against torch's own count of what was computed."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from mercap.affectgpt.presets import affectgpt_2025  # noqa: E402
from mercap.affectgpt.training.mfu import count_work, peak_of  # noqa: E402


def counted(model: Any, tokens: int, supervised: int) -> int:
    """Products in one training step of the language model, without attention, which the formula leaves out."""
    config = model.config
    ids = torch.tensor([batches.prompt(config, *[7] * (tokens - 1 - len(config.clip_tokens)))])
    given = {"input_ids": ids, "labels": batches.labels_of(ids, [supervised]), **batches.features(config, 1)}
    with FlopCounterMode(display=False) as counter:
        model(**given).loss.backward()
    found = counter.get_flop_counts()
    name = next(name for name in found if name.endswith(".language_model"))
    return sum(flops for kind, flops in found[name].items() if kind in (torch.ops.aten.mm, torch.ops.aten.addmm))


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("supervised", [3, 60])
def test_the_formula_is_within_one_percent_of_what_is_computed(rank: int, supervised: int) -> None:
    """The first layer's adapters need no gradient of what lies before the bridge: all else is counted alike."""
    model = school.learner(batches.vivid(lora_rank=rank, lora_dropout=0.0))
    work = count_work(model)
    assert work.flops(80, supervised) == pytest.approx(counted(model, 80, supervised), rel=0.01)


def test_six_per_weight_would_flatter_by_half() -> None:
    model = school.learner(batches.vivid(lora_rank=0))
    work = count_work(model)
    assert 6 * (work.frozen * 80 + work.head * 60) > 1.4 * counted(model, 80, 60)


def test_every_weight_is_counted_once() -> None:
    work, plain = count_work(school.learner()), count_work(batches.build(batches.vivid(lora_rank=0)))
    assert work.frozen == plain.frozen == 2 * (64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128)
    assert work.head == 64 * batches.vivid().text_config.vocab_size
    assert work.adapters == 2 * 4 * (2 * 2 * 64 + 2 * (64 + 32) + 3 * (64 + 128))
    assert plain.adapters == 0


def test_the_published_model_needs_27_gigaflop_per_token() -> None:
    """6.525 B weights in blocks, 40.4 M in adapters, 0.545 B in the head, 37 % of tokens supervised."""
    from mercap.affectgpt.lora import make_trainable
    from mercap.affectgpt.model import AffectGPTForConditionalGeneration

    with torch.device("meta"):
        work = count_work(make_trainable(AffectGPTForConditionalGeneration(affectgpt_2025())))
    assert work.frozen == pytest.approx(6.525e9, rel=1e-3)
    assert work.adapters == 40_370_176
    assert work.head == pytest.approx(0.545e9, rel=1e-3)
    assert work.flops(1_000, 372) / 1_000 == pytest.approx(27.15e9, rel=2e-3)


def test_the_peak_of_a_device_may_be_told_and_is_not_guessed() -> None:
    assert peak_of(torch.device("cpu"), None) is None
    assert peak_of(torch.device("cpu"), 1.5) == 1.5


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989.0),
        ("NVIDIA H100 PCIe", 756.0),
        ("NVIDIA A100-SXM4-80GB", 312.0),
        ("Unheard Of", None),
    ],
)
def test_known_devices_are_known_by_name(monkeypatch: pytest.MonkeyPatch, name: str, peak: float | None) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: name)
    assert peak_of(torch.device("cuda", 0), None) == peak
