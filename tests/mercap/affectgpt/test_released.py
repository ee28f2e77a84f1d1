"""Published weights under their published names. The checkpoints are synthetic: names and shapes are real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
safetensors = pytest.importorskip("safetensors.torch")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.lora import make_trainable  # noqa: E402
from mercap.affectgpt.presets import affectgpt_2025, declared_shapes  # noqa: E402
from mercap.affectgpt.released import differences, load_released, our_name  # noqa: E402
from mercap.errors import UsageError  # noqa: E402

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")


def published_shapes(
    hidden: int, inner: int, layers: int, keys: int, rank: int, face: int, voice: int
) -> dict[str, tuple[int, ...]]:
    """Every name and shape of a published checkpoint with fusion by attention."""
    wide = max(face, voice)
    linears = {
        "image_llama_proj": (hidden, face), "affectgpt_proj": (hidden, face), "audio_llama_proj": (hidden, voice),
        "multi_llama_proj": (hidden, wide), "multi_audio_embs": (wide, voice), "multi_video_embs": (wide, face),
        "attention_mlp": (wide, 2 * wide), "fc_att": (2, wide),
        "video_attention_mlp": (1, face), "audio_attention_mlp": (1, voice),
    }  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {}
    for name, shape in linears.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    sizes = {
        "q_proj": (hidden, hidden), "k_proj": (keys, hidden), "v_proj": (keys, hidden), "o_proj": (hidden, hidden),
        "gate_proj": (inner, hidden), "up_proj": (inner, hidden), "down_proj": (hidden, inner),
    }  # fmt: skip
    for layer in range(layers):
        for name, (out, into) in sizes.items():
            part = "self_attn" if name in ATTENTION else "mlp"
            stem = f"llama_model.base_model.model.model.layers.{layer}.{part}.{name}"
            shapes |= {f"{stem}.lora_A.default.weight": (rank, into), f"{stem}.lora_B.default.weight": (out, rank)}
    return shapes


def config() -> Any:
    return batches.vivid(idle_image_projector=True)


@pytest.fixture
def published() -> dict[str, Any]:
    """A small checkpoint with values."""
    draw = torch.Generator().manual_seed(3)
    shapes = published_shapes(hidden=64, inner=128, layers=2, keys=32, rank=4, face=24, voice=32)
    return {name: torch.randn(shape, generator=draw) * 0.1 for name, shape in shapes.items()}


@pytest.fixture
def model() -> Any:
    return make_trainable(batches.build(config())).eval()


def test_the_published_checkpoint_has_exactly_the_tensors_of_the_preset() -> None:
    shapes = published_shapes(hidden=3584, inner=18944, layers=28, keys=512, rank=16, face=768, voice=1024)
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 57_168_644
    found = {our_name(name): shape for name, shape in shapes.items()}
    assert differences(declared_shapes(affectgpt_2025()), found) == []


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_checkpoint_puts_every_tensor_in_its_place(
    kind: str, model: Any, published: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / f"checkpoint_000030_loss_0.602.{kind}"
    if kind == "pth":
        torch.save({"model": published, "epoch": 30, "optimizer": {}, "scaler": None, "config": {"run": {}}}, path)
    else:
        safetensors.save_file(published, path)
    load_released(model, path)
    now = dict(model.named_parameters())
    assert all(torch.equal(now[our_name(name)], value) for name, value in published.items())


def test_a_loaded_bridge_computes_the_published_formulas(model: Any, published: dict[str, Any], tmp_path: Path) -> None:
    """Written out under the published names, independently of the classes."""
    safetensors.save_file(published, tmp_path / "w.safetensors")
    load_released(model, tmp_path / "w.safetensors")
    clips = batches.features(config(), 2)

    def linear(name: str, given: Any) -> Any:
        return given @ published[f"{name}.weight"].T + published[f"{name}.bias"]

    def alone(pool: str, project: str, steps: Any) -> Any:
        return linear(project, (steps * linear(pool, steps)).sum(dim=1))

    face, voice = clips["face"], clips["audio"]
    v, a = linear("multi_video_embs", face.mean(1)), linear("multi_audio_embs", voice.mean(1))
    weights = linear("fc_att", linear("attention_mlp", torch.cat([v, a], dim=1)))
    fused = linear("multi_llama_proj", weights[:, :1] * v + weights[:, 1:] * a)
    heard = alone("audio_attention_mlp", "audio_llama_proj", voice)
    seen = alone("video_attention_mlp", "affectgpt_proj", face)
    expected = torch.stack([fused, heard, seen], dim=1)
    assert torch.allclose(model.base_model.model.bridge(face, voice), expected, atol=1e-5)


def test_every_fault_is_a_sentence_and_nothing_was_changed(
    model: Any, published: dict[str, Any], tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    del published["fc_att.bias"]
    published["audio_llama_proj.weight"] = torch.zeros(64, 48)
    published["pose_llama_proj.weight"] = torch.zeros(2, 2)
    published["llama_model.base_model.model.model.embed_tokens.weight"] = torch.zeros(2, 2)
    torch.save({"model": published}, tmp_path / "c.pth")
    with pytest.raises(UsageError) as raised:
        load_released(model, tmp_path / "c.pth")
    _, *faults = str(raised.value).splitlines()
    bridge = "base_model.model.bridge.modules_to_save.default."
    assert faults == [
        f"Missing: {bridge}fusion.weigh.bias (2,).",
        "Unexpected: pose_llama_proj.weight (2, 2).",
        "Unexpected: llama_model.base_model.model.model.embed_tokens.weight (2, 2).",
        f"Misshapen: {bridge}projectors.audio.weight is (64, 48), expected (64, 32).",
    ]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_checkpoint_with_a_qformer_has_names_for_every_tensor() -> None:
    """The Q-Former variant: BERT's names, text branch removed."""
    wide, size = 32, 32
    linears = {"multi_audio_embs": (wide, 32), "multi_video_embs": (wide, 24), "multi_llama_proj": (64, size)}
    for layer in range(2):
        stem = f"multi_Qformer.bert.encoder.layer.{layer}"
        for part, reads in (("attention", size), ("crossattention", wide)):
            linears |= {f"{stem}.{part}.self.query": (size, size), f"{stem}.{part}.output.dense": (size, size)}
            linears |= {f"{stem}.{part}.self.{name}": (size, reads) for name in ("key", "value")}
        linears |= {
            f"{stem}.intermediate_query.dense": (4 * size, size),
            f"{stem}.output_query.dense": (size, 4 * size),
        }
    shapes = {"multi_query_tokens": (1, 2, size), "multi_position_embedding.weight": (264, wide)}
    for name, shape in linears.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    norms = ["multi_Qformer.bert.embeddings.LayerNorm"]
    for layer in range(2):
        stem = f"multi_Qformer.bert.encoder.layer.{layer}"
        norms += [f"{stem}.{part}.LayerNorm" for part in ("attention.output", "crossattention.output", "output_query")]
    shapes |= {f"{name}.{kind}": (size,) for name in norms for kind in ("weight", "bias")}
    expected = declared_shapes(batches.vivid(fusion="qformer", fused_tokens=2))
    fused = {name: shape for name, shape in expected.items() if ".fusion." in name or ".projectors.fused." in name}
    assert differences(fused, {our_name(name): shape for name, shape in shapes.items()}) == []


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x80\x02cos\nsystem\n(S'true'\ntR."])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_damaged_or_hostile_file_is_a_sentence(model: Any, tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"c.{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=str(path)):
        load_released(model, path)


def test_a_checkpoint_that_is_not_there_or_holds_no_tensors_is_a_sentence(model: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no checkpoint"):
        load_released(model, tmp_path / "none.pth")
    torch.save({"model": {"epoch": 3}}, tmp_path / "c.pth")
    with pytest.raises(UsageError, match="no dictionary of tensors"):
        load_released(model, tmp_path / "c.pth")
