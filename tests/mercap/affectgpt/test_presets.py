"""Presets, and their parameters counted on the meta device."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from mercap.affectgpt.lora import is_adapter  # noqa: E402
from mercap.affectgpt.presets import (  # noqa: E402
    affectgpt_2024,
    affectgpt_2025,
    count_parameters,
    declared_shapes,
    modern,
    tiny,
)

# arXiv 2501.16566: every tensor that trains beside the adapters.
PUBLISHED = {
    "image_projector": (3584, 768),
    "projectors.face": (3584, 768),
    "projectors.audio": (3584, 1024),
    "projectors.fused": (3584, 1024),
    "fusion.audio": (1024, 1024),
    "fusion.face": (1024, 768),
    "fusion.mix": (1024, 2048),
    "fusion.weigh": (2, 1024),
    "pools.face.score": (1, 768),
    "pools.audio.score": (1, 1024),
}
BRIDGE = "base_model.model.bridge.modules_to_save.default."


def test_affectgpt_2025_trains_exactly_as_many_parameters_as_published() -> None:
    counts = count_parameters(affectgpt_2025())
    assert counts.trainable == 57_168_644
    assert counts.adapters == 40_370_176
    assert counts.bridge == 16_798_468
    assert counts.idle == 2_756_096
    assert counts.frozen == 7_615_616_512  # Qwen2.5-7B


def test_the_tensors_of_affectgpt_2025_have_the_published_shapes() -> None:
    shapes = declared_shapes(affectgpt_2025())
    beside = {name: shape for name, shape in shapes.items() if not is_adapter(name)}
    weights = {f"{BRIDGE}{name}.weight": shape for name, shape in PUBLISHED.items()}
    biases = {f"{BRIDGE}{name}.bias": shape[:1] for name, shape in PUBLISHED.items()}
    assert beside == weights | biases
    assert len(shapes) - len(beside) == 28 * 7 * 2


@pytest.mark.parametrize(("rank", "published"), [(8, 20_185_088), (32, 80_740_352)])
def test_other_ranks_count_as_published(rank: int, published: int) -> None:
    assert count_parameters(affectgpt_2025(lora_rank=rank)).adapters == published


def test_affectgpt_2024_freezes_the_language_model_as_a_whole() -> None:
    counts = count_parameters(affectgpt_2024())
    assert counts.adapters == 0
    assert counts.trainable == counts.bridge > 0
    assert counts.frozen == 6_738_415_616  # LLaMA 7B
    assert len(affectgpt_2024().clip_tokens) == 32 + 8


def test_modern_counts_as_qwen3() -> None:
    counts = count_parameters(modern())
    assert counts.frozen == 8_190_735_360  # Qwen3-8B
    assert counts.idle == 0


def test_counting_agrees_with_a_model_that_exists() -> None:
    lora = pytest.importorskip("mercap.affectgpt.lora")
    batches = pytest.importorskip("tests.mercap.affectgpt.batches")
    trained = lora.make_trainable(batches.build(tiny()))
    real = sum(value.numel() for value in trained.parameters() if value.requires_grad)
    assert real == count_parameters(tiny()).trainable
