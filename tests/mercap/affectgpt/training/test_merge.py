"""A trained model, merged in half precision, says what it said."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.lora import is_adapter, merge  # noqa: E402
from mercap.affectgpt.training.loop import fit  # noqa: E402

PROMPTS = 50
LEARNT = 10


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A language model in bf16 that has learnt the answers of ten clips, and fifty clips."""
    model = school.learner()
    data = school.lessons(model.config, LEARNT, both=False)
    options = school.quick(steps=80, lr=1e-2, pack_tokens=128, precision="bf16")
    list(fit(model, data, options, tmp_path_factory.mktemp("run")))
    return model, data


def answers(model: Any, data: Any) -> list[list[int]]:
    """Greedy answers to questions of five lengths about each clip, under bf16 as on a GPU."""
    said = []
    for number in range(PROMPTS):
        row = data.row(number % LEARNT, "labels")
        ids = [*row.ids[: -row.supervised], *[7] * (number // LEARNT)]
        clip = {stream: torch.from_numpy(found.rows([row.clip])) for stream, found in data.features.items()}
        with torch.autocast("cpu", dtype=torch.bfloat16):
            said.append(model.generate(batches.row(ids), **clip, max_new_tokens=4, eos_token_id=2)[0].tolist())
    return said


def test_fifty_prompts_are_answered_alike_before_and_after_the_merge(trained: tuple[Any, Any]) -> None:
    model, data = trained
    model.eval()
    before = answers(model, data)
    with model.disable_adapter():
        assert answers(model, data) != before  # the adapters have something to say
    assert any(float(value.detach().abs().max()) > 0.01 for name, value in model.named_parameters() if is_adapter(name))
    merged = merge(model).eval()
    assert merged.language_model.get_output_embeddings().weight.dtype == torch.bfloat16
    assert answers(merged, data) == before
