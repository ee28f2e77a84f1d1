"""Where and how a model is put to train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.training.device import (  # noqa: E402
    attention_of,
    compile_blocks,
    decoder_blocks,
    in_half,
)
from mercap.affectgpt.training.loop import fit  # noqa: E402
from mercap.affectgpt.training.options import paper  # noqa: E402
from mercap.errors import UsageError  # noqa: E402

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def losses(folder: Path, model: Any, **changes: Any) -> list[float]:
    options = school.quick(steps=3, **changes)
    events = list(fit(model, school.lessons(model.config, 8), options, folder))
    return [event.loss for event in events if event.loss is not None]


def test_in_bf16_what_is_frozen_is_kept_in_it_and_what_trains_is_not(tmp_path: Path) -> None:
    model = school.learner()
    halved = losses(tmp_path / "half", model, precision="bf16")
    kinds = {(value.requires_grad, value.dtype) for _, value in model.named_parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    full = losses(tmp_path / "full", school.learner(), precision="full")
    assert halved != full
    assert halved == pytest.approx(full, rel=0.05)


def test_auto_is_full_precision_on_a_cpu_and_bf16_with_flex_attention_on_a_gpu() -> None:
    options = school.quick()
    assert (in_half(options, CPU), in_half(options, GPU)) == (False, True)
    assert (attention_of(options, CPU), attention_of(options, GPU)) == ("sdpa", "flex_attention")
    assert attention_of(paper(), GPU) == "sdpa"  # rows of their own need no mask that skips
    assert attention_of(school.quick(attention="eager"), GPU) == "eager"


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # torch looks at its own tensors
def test_compiled_blocks_compute_the_same(tmp_path: Path) -> None:
    """Traced whole, without a compiler's code, which would take a minute."""
    model = school.learner()
    expected = losses(tmp_path / "plain", school.learner())
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    assert compile_blocks(model.get_base_model().language_model, backend=backend) == 2
    assert losses(tmp_path / "compiled", model) == pytest.approx(expected, rel=1e-5)
    assert graphs


@pytest.mark.parametrize("kind", ["qwen2", "llama", "gpt2"])
def test_the_blocks_of_a_decoder_are_found_whatever_their_list_is_called(kind: str) -> None:
    sizes = {"gpt2": {"n_embd": 32, "n_head": 2, "n_layer": 3}}.get(
        kind, {"hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2, "num_hidden_layers": 3,
               "intermediate_size": 32}
    )  # fmt: skip
    config = transformers.AutoConfig.for_model(kind, vocab_size=64, **sizes)
    assert len(decoder_blocks(transformers.AutoModelForCausalLM.from_config(config))) == 3


def test_an_attention_that_the_device_cannot_train_with_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'flex_attention', with which torch cannot train on a CPU"):
        losses(tmp_path, school.learner(), attention="flex_attention")
