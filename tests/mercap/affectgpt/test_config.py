"""The configuration of AffectGPT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from mercap.affectgpt.config import FUSIONS, STREAMS, AffectGPTConfig  # noqa: E402
from mercap.affectgpt.presets import PRESETS, tiny  # noqa: E402
from mercap.errors import UsageError  # noqa: E402


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_comes_back_from_disk_as_it_was(name: str, tmp_path: Path) -> None:
    config = PRESETS[name]()
    config.save_pretrained(tmp_path)
    again = AffectGPTConfig.from_pretrained(tmp_path)
    assert again.to_dict() | {"_name_or_path": ""} == config.to_dict() | {"_name_or_path": ""}
    assert type(again.text_config) is type(config.text_config)


def test_auto_config_knows_the_type(tmp_path: Path) -> None:
    pytest.importorskip("mercap.affectgpt.model")
    tiny(fusion="aligned").save_pretrained(tmp_path)
    again = transformers.AutoConfig.from_pretrained(tmp_path)
    assert isinstance(again, AffectGPTConfig)
    assert again.fusion == "aligned"


def test_a_language_model_may_be_given_as_a_dictionary() -> None:
    config = AffectGPTConfig({"model_type": "llama", "hidden_size": 48, "num_attention_heads": 4})
    assert isinstance(config.text_config, transformers.LlamaConfig)
    assert config.hidden_size == 48


@pytest.mark.parametrize("given", [{}, {"model_type": "no-such-model"}, {"model_type": "llama", "hidden_size": 48}])
def test_a_language_model_that_is_unknown_is_a_sentence(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="text_config"):
        AffectGPTConfig(given)


def test_fusion_takes_the_wider_stream_unless_told() -> None:
    assert AffectGPTConfig(face_dim=30, audio_dim=20).fusion_size == 30
    assert AffectGPTConfig(face_dim=30, audio_dim=20, fusion_size=7).fusion_size == 7


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("face_dim", {"face_dim": 0}),
        ("audio_steps", {"audio_steps": 2.5}),
        ("audio_steps", {"audio_steps": True}),
        ("face_tokens", {"face_tokens": -1}),
        ("fusion", {"fusion": "magic"}),
        ("pooling", {"pooling": "max"}),
        ("fused_tokens", {"fusion": "none"}),
        ("fused_tokens", {"fused_tokens": 0}),
        ("fused_tokens", {"fusion": "aligned", "fused_tokens": 9}),
        ("are all 0", {"fusion": "none", "fused_tokens": 0, "audio_tokens": 0, "face_tokens": 0}),
        ("stream_order", {"stream_order": ["fused", "audio"]}),
        ("stream_order", {"stream_order": ["fused", "audio", "audio"]}),
        ("face_token_id", {"face_token_id": 270}),
        ("audio_token_id", {"audio_token_id": -1}),
        ("fused_positions", {"fusion": "qformer", "fused_positions": 15}),
        ("audio_positions", {"pooling": "qformer", "audio_steps": 9}),
        ("qformer_size", {"fusion": "qformer", "qformer_size": 33}),
        ("face_steps", {"face_step_tokens": 3}),
        ("lora_rank", {"lora_rank": -1}),
        ("lora_dropout", {"lora_dropout": 1.0}),
        ("lora_alpha", {"lora_alpha": 0}),
        ("lora_targets", {"lora_targets": []}),
    ],
)
def test_a_wrong_field_is_a_sentence_that_names_it(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=field) as raised:
        tiny(**changes)
    assert str(raised.value).endswith(".")


@given(
    counts=st.fixed_dictionaries({f"{stream}_tokens": st.integers(0, 4) for stream in STREAMS}),
    order=st.permutations(STREAMS),
)
@settings(max_examples=30, deadline=None)
def test_placeholders_are_as_many_as_the_tokens_and_in_their_order(counts: dict[str, int], order: list[str]) -> None:
    present = [stream for stream in order if counts[f"{stream}_tokens"]]
    if not present:
        return
    fusion = "additive" if counts["fused_tokens"] else "none"
    config = tiny(fusion=fusion, stream_order=present, **counts)
    found = config.clip_tokens
    assert len(found) == sum(counts.values())
    assert list(dict.fromkeys(found)) == [getattr(config, f"{stream}_token_id") for stream in present]


def test_every_fusion_can_be_configured() -> None:
    for fusion in FUSIONS:
        assert tiny(fusion=fusion, fused_tokens=int(fusion != "none")).fusion == fusion
