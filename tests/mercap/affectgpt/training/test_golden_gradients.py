"""The gradient of a fixed step, in float64: a change of the maths shows here, whoever made it.

Every weight is drawn from NumPy's Philox by its name, so no initialisation of torch matters; double precision keeps the
numbers alike over processors and libraries. When the change is meant: ``MERCAP_RENEW_GOLDEN=1 python -m pytest`` this
file, and look at the difference.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import numpy as np
import pytest

from tests.lab import ROOT

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")

from mercap.affectgpt.collate import pack  # noqa: E402
from mercap.affectgpt.config import AffectGPTConfig  # noqa: E402

GOLDEN = ROOT / "tests" / "golden" / "gradients.json"
RENEW = os.environ.get("MERCAP_RENEW_GOLDEN") == "1"
CASES = {
    "attention": {"fusion": "attention", "pooling": "linear"},
    "aligned": {"fusion": "aligned", "pooling": "softmax", "fused_tokens": 2},
    "qformer": {"fusion": "qformer", "pooling": "qformer", "audio_tokens": 2},
    "additive": {"fusion": "additive", "pooling": "mean"},
}


def config(case: str) -> AffectGPTConfig:
    """Written out, so that presets may change."""
    text = transformers.Qwen2Config(
        vocab_size=128, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=False,
        rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )  # fmt: skip
    return AffectGPTConfig(
        text, face_dim=12, audio_dim=16, qformer_size=16, qformer_heads=4, lora_rank=3, lora_alpha=6, lora_dropout=0.0,
        fused_token_id=125, audio_token_id=126, face_token_id=127, **CASES[case],
    )  # fmt: skip


def draw_weights(model: Any) -> None:
    with torch.no_grad():
        for name, value in model.named_parameters():
            draw = np.random.Generator(np.random.Philox(zlib.crc32(name.encode())))
            drawn = torch.from_numpy(draw.normal(scale=0.3, size=tuple(value.shape)))
            value.copy_(drawn + 1 if "norm" in name.lower() and value.ndim == 1 else drawn)


def measured(case: str) -> dict[str, float]:
    """The loss of five clips in one pack, and the length of every gradient."""
    model = school.learner(config(case), torch.float64)
    draw_weights(model)
    data = school.lessons(config(case), 5)
    rows = [data.row(place, target) for place in range(5) for target in data.targets(place)][:7]
    loss = model(**pack(rows, data.config, data.features).inputs("cpu")).loss
    loss.backward()
    lengths = {
        name.removeprefix("base_model.model."): float(value.grad.norm())
        for name, value in model.named_parameters()
        if value.grad is not None
    }
    return {"loss": float(loss.detach()), **dict(sorted(lengths.items()))}


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_are_what_they_were(case: str) -> None:
    found = measured(case)
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if RENEW:
        GOLDEN.write_text(json.dumps(golden | {case: found}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return
    assert found.keys() == golden[case].keys()
    off = {name: (found[name], kept) for name, kept in golden[case].items() if not close(found[name], kept)}
    assert not off


def close(found: float, kept: float) -> bool:
    """What a softmax is blind to has a gradient of rounding alone."""
    return abs(found - kept) <= 1e-9 * abs(kept) + 1e-13


def test_the_goldens_would_notice_a_small_change() -> None:
    """The control: one matrix of the fusion, larger by 1e-7 of itself, moves the loss by more than is let pass."""
    model = school.learner(config("attention"), torch.float64)
    draw_weights(model)
    data = school.lessons(config("attention"), 5)
    batch = pack([data.row(place, "labels") for place in range(5)], data.config, data.features).inputs("cpu")
    before = float(model(**batch).loss.detach())
    weight = next(value for name, value in model.named_parameters() if name.endswith("default.fusion.mix.weight"))
    with torch.no_grad():
        weight *= 1 + 1e-7
    assert not close(float(model(**batch).loss.detach()), before)
