"""The loop on a GPU, in the precision and with the attention that it takes there. Needs one; skipped elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")

from mercap.affectgpt.training.loop import fit  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]


def losses(folder: Path, **changes: Any) -> list[float]:
    model = school.learner()
    options = school.quick(**changes)
    return [e.loss for e in fit(model, school.lessons(model.config, 12), options, folder) if e.loss is not None]


def test_bf16_and_flex_attention_learn_as_full_precision_on_a_cpu_does(tmp_path: Path) -> None:
    there = losses(tmp_path / "gpu", device="cuda")
    here = losses(tmp_path / "cpu", device="cpu")
    assert there == pytest.approx(here, rel=0.1)


@pytest.mark.parametrize("attention", ["sdpa", "flex_attention"])
def test_in_full_precision_both_attentions_compute_what_a_cpu_does(tmp_path: Path, attention: str) -> None:
    there = losses(tmp_path / "gpu", device="cuda", precision="full", attention=attention)
    assert there == pytest.approx(losses(tmp_path / "cpu", device="cpu"), rel=1e-2)


def test_a_run_in_pieces_is_the_run_in_one_within_rounding(tmp_path: Path) -> None:
    whole = losses(tmp_path / "whole", device="cuda")
    model = school.learner()
    data, options = school.lessons(model.config, 12), school.quick(device="cuda")
    found = [e.loss for e in fit(model, data, options, tmp_path / "pieces", until=7) if e.loss is not None]
    again = school.learner()
    found += [e.loss for e in fit(again, data, options, tmp_path / "pieces") if e.loss is not None]
    assert found == pytest.approx(whole, rel=0.05)


def test_compiled_blocks_learn_alike(tmp_path: Path) -> None:
    plain = losses(tmp_path / "plain", device="cuda", steps=6)
    assert losses(tmp_path / "compiled", device="cuda", steps=6, compile=True) == pytest.approx(plain, rel=0.05)
