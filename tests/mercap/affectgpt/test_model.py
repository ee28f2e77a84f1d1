"""The model as a whole: what reaches its answer, how it is kept, which language models it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.config import AffectGPTConfig  # noqa: E402
from mercap.affectgpt.model import AffectGPTForConditionalGeneration  # noqa: E402
from mercap.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build()


def test_each_stream_reaches_the_answer(model: Any) -> None:
    ids = batches.row(batches.prompt(model.config, 5))
    clip, other = batches.features(model.config, 1), batches.features(model.config, 1, seed=1)
    logits = model(input_ids=ids, **clip).logits
    for stream in clip:
        assert not torch.allclose(model(input_ids=ids, **(clip | {stream: other[stream]})).logits, logits), stream


def test_a_stream_that_nothing_reads_need_not_be_given() -> None:
    config = batches.vivid(fusion="none", fused_tokens=0, face_tokens=0)
    clip = batches.features(config, 1)
    assert batches.build(config)(input_ids=batches.row([1, 270, 5]), audio=clip["audio"]).logits.shape == (1, 3, 272)


def test_tokens_and_embeddings_together_or_neither_are_a_sentence(model: Any) -> None:
    with pytest.raises(UsageError, match="either input_ids or inputs_embeds"):
        model()


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("fusion", ["attention", "qformer"])
def test_a_saved_model_comes_back_bit_for_bit(tmp_path: Path, fusion: str, tied: bool) -> None:
    config = batches.vivid(fusion=fusion)
    config.text_config.tie_word_embeddings = config.tie_word_embeddings = tied
    model = batches.build(config)
    model.save_pretrained(tmp_path)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert isinstance(again, AffectGPTForConditionalGeneration)
    was, now = model.state_dict(), again.state_dict()
    assert was.keys() == now.keys()
    assert all(torch.equal(was[name], now[name]) for name in was)
    assert (again.get_output_embeddings().weight is again.get_input_embeddings().weight) is tied
    ids, clip = batches.row(batches.prompt(config, 5, 6)), batches.features(config, 1)
    expected = model(input_ids=ids, **clip).logits
    assert torch.allclose(again.eval()(input_ids=ids, **clip).logits, expected, atol=1e-4)
    # Weights read from a file lie in memory as the file has them, and kernels add up in another order where they are
    # not aligned. The same values in memory of torch's own give the same bits.
    fresh = batches.build(config, seed=1)
    fresh.load_state_dict(now)
    assert torch.equal(fresh(input_ids=ids, **clip).logits, expected)


@pytest.mark.parametrize("kept", [True, False])
def test_a_loaded_language_model_keeps_its_weights(kept: bool, tmp_path: Path) -> None:
    config = batches.vivid()
    talker = transformers.AutoModelForCausalLM.from_config(config.text_config)
    if kept:
        talker.save_pretrained(tmp_path)
        talker = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    before = {name: value.clone() for name, value in talker.state_dict().items()}
    after = AffectGPTForConditionalGeneration.around(config, talker).language_model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_bridge_that_is_not_in_the_file_begins_as_torch_would_begin_it(tmp_path: Path) -> None:
    """And not as N(0, 0.02), which is transformers' way whatever the width."""
    config = batches.vivid(fusion="qformer", fused_tokens=16)
    batches.build(config).save_pretrained(tmp_path)
    safetensors = pytest.importorskip("safetensors.torch")
    kept = safetensors.load_file(tmp_path / "model.safetensors")
    safetensors.save_file(
        {name: value for name, value in kept.items() if not name.startswith("bridge.")},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    bridge = AffectGPTForConditionalGeneration.from_pretrained(tmp_path).bridge
    for layer in (bridge.projectors["audio"], bridge.fusion.face, bridge.pools["face"].score):
        for values in (layer.weight, layer.bias):
            assert 0 < float(values.detach().abs().max()) <= layer.in_features**-0.5
    wide = bridge.projectors["audio"]  # a uniform distribution has a deviation of its bound by the root of 3
    assert float(wide.weight.detach().std()) == pytest.approx((3 * wide.in_features) ** -0.5, rel=0.05)
    assert float(bridge.fusion.qformer.queries.values.detach().std()) == pytest.approx(0.02, rel=0.2)


def test_a_language_model_of_another_width_is_a_sentence() -> None:
    config = batches.vivid()
    wide = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=272, n_embd=32, n_head=2, n_layer=1))
    with pytest.raises(UsageError, match="text_config is 64 wide, but the language model given is 32 wide"):
        AffectGPTForConditionalGeneration.around(config, wide)


@pytest.mark.parametrize(
    "text",
    [
        {"model_type": "gpt2", "n_embd": 32, "n_head": 2, "n_layer": 1},
        {"model_type": "llama", "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1},
        {"model_type": "gemma2", "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
         "num_hidden_layers": 2, "intermediate_size": 64, "final_logit_softcapping": 0.5},
    ],
    ids=lambda text: text["model_type"],
)  # fmt: skip
def test_other_language_models_answer_and_learn_too(text: dict[str, Any]) -> None:
    config = AffectGPTConfig({**text, "vocab_size": 272}, face_dim=24, audio_dim=32)
    model = batches.build(config)
    ids, clip = batches.row(batches.prompt(config, 5, 6)), batches.features(config, 1)
    labels = batches.labels_of(ids, [1])
    logits = model(input_ids=ids, **clip).logits
    expected = torch.nn.functional.cross_entropy(logits[0, -2], ids[0, -1])
    assert torch.allclose(model(input_ids=ids, labels=labels, **clip).loss, expected, atol=1e-6)
    answer = model.generate(batches.row(batches.prompt(config, 5)), **clip, max_new_tokens=2, pad_token_id=0)
    assert answer.shape[1] >= 1


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing_enable` is deprecated:FutureWarning")
def test_recomputing_activations_changes_no_gradient(model: Any) -> None:
    ids, clip = batches.row(batches.prompt(model.config, 5, 6)), batches.features(model.config, 1)
    weight = model.bridge.fusion.mix.weight
    expected = torch.autograd.grad(model(input_ids=ids, labels=ids, **clip).loss, weight)[0]
    again = batches.build().train()
    again.gradient_checkpointing_enable()
    found = torch.autograd.grad(again(input_ids=ids, labels=ids, **clip).loss, again.bridge.fusion.mix.weight)[0]
    assert torch.allclose(found, expected, atol=1e-6)
