"""Adapters: what trains, what is kept, and that plain peft reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.lora import declared_names, is_adapter, make_trainable, merge, trained_names  # noqa: E402
from mercap.errors import UsageError  # noqa: E402

# peft asks transformers under a name that newer releases call outdated.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def wake(model: Any) -> None:
    """Adapters begin as zero, which gives one half of them no gradient; this gives them values."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if is_adapter(name):
                value.copy_(torch.randn(value.shape, generator=draw) * 0.1)


def batch(config: Any) -> dict[str, Any]:
    rows = [batches.prompt(config, *words) for words in ((5, 6, 7), (8, 9, 10))]
    ids = torch.tensor(rows)
    return {"input_ids": ids, "labels": batches.labels_of(ids, [2, 2]), **batches.features(config, 2)}


def step(model: Any) -> dict[str, float]:
    """One step of plain gradient descent; the largest gradient of every parameter that has one."""
    model(**batch(model.config)).loss.backward()
    torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=1.0).step()
    return {name: float(value.grad.abs().max()) for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("fusion", ["attention", "aligned", "additive", "none"])
@pytest.mark.parametrize("pooling", ["linear", "mean", "softmax"])
def test_exactly_what_is_declared_trains_and_all_of_it(fusion: str, pooling: str) -> None:
    config = batches.vivid(fusion=fusion, pooling=pooling, fused_tokens=int(fusion != "none"))
    model = make_trainable(batches.build(config))
    wake(model)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    gradients = step(model)
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed == trained_names(model) == declared_names(model)
    assert set(gradients) == changed
    assert all(value > 0 for value in gradients.values())
    assert sum(is_adapter(name) for name in changed) == 2 * 7 * 2
    assert any("bridge" in name for name in changed)


@pytest.mark.parametrize("fusion", ["attention", "aligned"])
def test_a_batch_is_learnt_by_heart_and_said_again(fusion: str) -> None:
    """Three clips with the same words, told apart by their features alone."""
    config = batches.vivid(fusion=fusion)
    model = make_trainable(batches.build(config)).train()
    ids = torch.tensor([batches.prompt(config, 5, 10 + clip, 20 + clip, 2) for clip in range(3)])
    given = {"input_ids": ids, "labels": batches.labels_of(ids, [3] * 3), **batches.features(config, 3)}
    optimiser = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=3e-3)
    for _ in range(80):
        loss = model(**given).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.05
    said = model.eval().generate(ids[:, :-3], **batches.features(config, 3), max_new_tokens=8, eos_token_id=2)
    assert said.tolist() == ids[:, -3:].tolist()


def test_a_qformer_trains_but_for_what_a_softmax_is_blind_to() -> None:
    config = batches.vivid(fusion="qformer", pooling="qformer", fused_tokens=2, audio_tokens=2, face_tokens=2)
    model = make_trainable(batches.build(config))
    wake(model)
    gradients = step(model)
    assert set(gradients) == trained_names(model)
    still = {name for name, value in gradients.items() if value < 1e-7}
    assert still
    assert all(name.endswith("attention.key.bias") for name in still)


def test_the_idle_projector_is_frozen_and_gets_no_gradient() -> None:
    model = make_trainable(batches.build(batches.vivid(idle_image_projector=True)))
    idle = declared_names(model) - trained_names(model)
    assert {name.rpartition("image_projector.")[2] for name in idle} == {"weight", "bias"}
    wake(model)
    assert not idle & set(step(model))


def test_without_adapters_the_bridge_alone_trains() -> None:
    model = make_trainable(batches.build(batches.vivid(lora_rank=0)))
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    step(model)
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed == trained_names(model)
    assert all(name.startswith("bridge.") for name in changed)


def test_what_trains_is_kept_in_full_precision_beside_a_language_model_in_half() -> None:
    model = make_trainable(batches.build(dtype=torch.bfloat16))
    kinds = {name: value.dtype for name, value in model.named_parameters()}
    trained = trained_names(model)
    assert {kinds[name] for name in trained} == {torch.float32}
    assert {kind for name, kind in kinds.items() if name not in trained} == {torch.bfloat16}
    wake(model)
    assert set(step(model)) == trained


def test_a_layer_that_the_language_model_lacks_is_a_sentence() -> None:
    config = batches.vivid(lora_targets=["q_proj", "query_key_value"])
    with pytest.raises(UsageError, match=r"\(qwen2\) has no layer 'query_key_value'; it has .*q_proj"):
        make_trainable(batches.build(config))


def test_adapters_go_into_the_language_model_alone() -> None:
    """A Q-Former has layers called `dense` too."""
    config = batches.vivid(fusion="qformer", lora_targets=["q_proj"])
    model = make_trainable(batches.build(config))
    adapted = {name for name, _ in model.named_parameters() if is_adapter(name)}
    assert len(adapted) == 2 * 2
    assert all(".language_model.model.layers." in name for name in adapted)


def test_new_adapters_change_no_answer() -> None:
    model = batches.build()
    given = {name: value for name, value in batch(model.config).items() if name != "labels"}
    expected = model(**given).logits
    assert torch.equal(make_trainable(model).eval()(**given).logits, expected)


def test_merged_answers_as_unmerged_did() -> None:
    model = make_trainable(batches.build(dtype=torch.float64)).double()
    wake(model)
    step(model)
    given = {name: value for name, value in batch(model.config).items() if name != "labels"}
    given = {name: value.double() if value.is_floating_point() else value for name, value in given.items()}
    expected = model.eval()(**given).logits
    tokens = model.generate(**given, max_new_tokens=4, eos_token_id=None)
    merged = model.merge_and_unload()
    assert torch.allclose(merged(**given).logits, expected, atol=1e-10, rtol=0)
    assert torch.equal(merged.generate(**given, max_new_tokens=4, eos_token_id=None), tokens)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_adapters_are_merged_in_full_precision_and_rounded_once(kind: Any) -> None:
    model = make_trainable(batches.build(dtype=kind))
    wake(model)
    wide = {
        name: layer.get_base_layer().weight.double() + layer.get_delta_weight("default").double()
        for name, layer in model.named_modules()
        if hasattr(layer, "lora_A")
    }
    bridge = {name: value.clone() for name, value in model.named_parameters() if ".modules_to_save." in name}
    merged = merge(model)
    for name, expected in wide.items():
        found = merged.get_submodule(name.removeprefix("base_model.model.")).weight
        assert found.dtype == kind
        assert torch.allclose(found.double(), expected, rtol=2**-8 if kind is torch.bfloat16 else 1e-6, atol=0)
        assert torch.equal(found, expected.float().to(kind)) or kind is torch.float64
    names = {name: value for name, value in merged.named_parameters() if name.startswith("bridge.")}
    assert all(torch.equal(value.float(), bridge[_saved(name)].float()) for name, value in names.items())


def _saved(name: str) -> str:
    return name.replace("bridge.", "base_model.model.bridge.modules_to_save.default.", 1)


def test_a_small_update_survives_the_merge_into_half_precision() -> None:
    """Half the distance between two bf16 numbers, in eight steps, would vanish if each were added in bf16."""
    model = make_trainable(batches.build(dtype=torch.bfloat16))
    wake(model)
    given = {name: value for name, value in batch(model.config).items() if name != "labels"}
    expected = model.eval().float()(**given).logits
    again = make_trainable(batches.build(dtype=torch.bfloat16))
    wake(again)
    assert torch.allclose(merge(again).eval().float()(**given).logits, expected, atol=0.1)


def test_a_model_without_adapters_is_left_as_it_is() -> None:
    model = make_trainable(batches.build(batches.vivid(lora_rank=0)))
    assert merge(model) is model


@pytest.mark.filterwarnings("ignore:Could not find a config file:UserWarning")  # older peft looks for the base model's
def test_plain_peft_reads_what_was_trained_and_nothing_else_is_kept(tmp_path: Path) -> None:
    base = batches.build()
    model = make_trainable(base)
    wake(model)
    step(model)
    model.save_pretrained(tmp_path)
    safetensors = pytest.importorskip("safetensors.torch")
    kept = safetensors.load_file(tmp_path / "adapter_model.safetensors")
    assert sum(value.numel() for value in kept.values()) == sum(
        value.numel() for value in model.parameters() if value.requires_grad
    )
    again = peft.PeftModel.from_pretrained(batches.build(), tmp_path).eval()
    given = {name: value for name, value in batch(model.config).items() if name != "labels"}
    assert torch.equal(again(**given).logits, model.eval()(**given).logits)
