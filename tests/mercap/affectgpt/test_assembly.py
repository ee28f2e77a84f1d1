from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from mercap.affectgpt.assembly import assemble, configure, write_tiny_language_model  # noqa: E402
from mercap.affectgpt.presets import tiny  # noqa: E402
from mercap.affectgpt.tokenizer import byte_tokenizer, load_tokenizer  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from tests.mercap.affectgpt.wording import examples, features_of  # noqa: E402

FEATURES = features_of(examples(2), tiny(face_dim=5, audio_dim=7, face_steps=3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "tiny"
    write_tiny_language_model(made)
    return made


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of another family, that has 300 tokens and no beginning of text."""
    made: Path = tmp_path_factory.mktemp("models") / "llama"
    config = transformers.LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        eos_token_id=[7, 8],
    )
    transformers.LlamaForCausalLM(config).save_pretrained(made)
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens([f"<{number}>" for number in range(12)])
    tokenizer.bos_token = None
    tokenizer.save_pretrained(made)
    return made


def configured(folder: Path, **changes: Any) -> Any:
    return configure("tiny", folder, FEATURES, load_tokenizer(folder), **changes)


def test_the_model_reads_features_of_the_shape_they_have(folder: Path) -> None:
    config = configured(folder, lora_dropout=0.25)
    assert (config.face_steps, config.face_dim, config.audio_steps, config.audio_dim) == (3, 5, 8, 7)
    assert config.lora_dropout == 0.25
    assert assemble(config, folder).bridge.projectors["face"].in_features == 5


def test_the_bridge_depends_on_its_seed_alone(folder: Path) -> None:
    def bridge(seed: int) -> Any:
        torch.rand(3)  # what others drew
        return assemble(configured(folder), folder, seed=seed).bridge.fusion.mix.weight

    assert torch.equal(bridge(1), bridge(1))
    assert not torch.equal(bridge(1), bridge(2))


def test_the_language_model_may_be_kept_in_half_and_the_bridge_is_not(folder: Path) -> None:
    model = assemble(configured(folder), folder, half=True)
    assert {value.dtype for value in model.language_model.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in model.bridge.parameters()} == {torch.float32}


def test_another_language_model_brings_its_own_tokens_and_placeholders_make_room(other: Path) -> None:
    config = configured(other)
    text = config.text_config
    assert (text.model_type, text.bos_token_id, text.eos_token_id, text.pad_token_id) == ("llama", None, 2, 0)
    assert [config.fused_token_id, config.audio_token_id, config.face_token_id] == [271, 272, 273]
    assert assemble(config, other).generation_config.eos_token_id == 2


def test_the_presets_own_language_model_keeps_the_presets_tokens(folder: Path) -> None:
    assert configured(folder).clip_tokens == tiny().clip_tokens
    assert configured(folder).text_config.bos_token_id == 1


def test_an_unknown_preset_is_a_sentence(folder: Path) -> None:
    with pytest.raises(UsageError, match="There is no model preset 'huge'; there are affectgpt_2025"):
        configure("huge", folder, FEATURES, load_tokenizer(folder))


def test_a_folder_without_weights_or_configuration_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no configuration of a language model"):
        configure("tiny", tmp_path, FEATURES, byte_tokenizer())
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(UsageError, match="cannot be loaded"):
        assemble(configured(folder), tmp_path)


def test_the_tiny_language_model_is_always_the_same(folder: Path, tmp_path: Path) -> None:
    write_tiny_language_model(tmp_path / "again")
    name = "model.safetensors"
    assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
