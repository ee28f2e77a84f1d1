"""Pooling and fusion, against numbers worked out by hand and laws that need none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from mercap.affectgpt.config import FUSIONS, POOLINGS  # noqa: E402
from mercap.affectgpt.fusion import (  # noqa: E402
    FUSION_CLASSES,
    POOLING_CLASSES,
    AdditiveFusion,
    AlignedFusion,
    AttentionFusion,
    LinearPooling,
    MeanPooling,
    QFormer,
    QFormerFusion,
    QFormerPooling,
    SoftmaxPooling,
    resample,
)
from mercap.affectgpt.presets import affectgpt_2025, tiny  # noqa: E402

FACE = [[[1.0, 0.0], [3.0, 2.0]]]  # one clip, two steps of two numbers; mean [2, 1]
VOICE = [[[0.0, 1.0], [2.0, 3.0]]]  # mean [1, 2]


def small(**changes: Any) -> Any:
    return tiny(face_steps=2, face_dim=2, audio_steps=2, audio_dim=2, **changes)


def put(layer: Any, weight: list[list[float]], bias: list[float] | None = None) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        if layer.bias is not None:
            layer.bias.copy_(torch.tensor(bias))


def draw(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_tables_hold_what_a_configuration_may_name() -> None:
    assert tuple(FUSION_CLASSES) == FUSIONS
    assert tuple(POOLING_CLASSES) == POOLINGS


def test_attention_is_the_sum_weighted_by_a_linear_map_of_both_worked_by_hand() -> None:
    fusion = AttentionFusion(small())
    put(fusion.face, [[1, 0], [0, 1]], [0, 0])  # v = [2, 1]
    put(fusion.audio, [[2, 0], [0, 1]], [0, 0])  # a = [2, 2]
    put(fusion.mix, [[1, 0, 0, 1], [0, 1, 1, 0]], [0, 1])  # of [2, 1, 2, 2]: h = [4, 4]
    put(fusion.weigh, [[1, 0], [0.5, -0.25]], [0, 1])  # alpha = [4, 2]: no softmax
    fused = fusion(torch.tensor(FACE), torch.tensor(VOICE))
    assert fused.tolist() == [[[12.0, 8.0]]]  # 4 [2, 1] + 2 [2, 2]


def test_additive_is_the_sum_of_both_means_worked_by_hand() -> None:
    fusion = AdditiveFusion(small())
    put(fusion.face, [[1, 0], [0, 1]], [0, 0.5])
    put(fusion.audio, [[2, 0], [0, 1]], [0, 0])
    assert fusion(torch.tensor(FACE), torch.tensor(VOICE)).tolist() == [[[4.0, 3.5]]]


def test_aligned_joins_step_by_step_worked_by_hand() -> None:
    fusion = AlignedFusion(small(fused_tokens=2))
    put(fusion.face, [[1, 0], [0, 1]], [0, 0])
    put(fusion.audio, [[1, 0], [0, -1]], [0, 0])
    fused = fusion(torch.tensor(FACE), torch.tensor(VOICE))
    before = torch.tensor([[[1.0, -1.0], [5.0, -1.0]]])  # per step: face + [1, -1] * voice
    assert torch.equal(fused, torch.nn.functional.gelu(before))


def test_linear_pooling_is_not_normalised_worked_by_hand() -> None:
    pool = LinearPooling(small(), "face")
    put(pool.score, [[1, 2]], [0.5])  # weights 1.5 and 7.5
    assert pool(torch.tensor(FACE)).tolist() == [[[1.5 + 22.5, 15.0]]]


def test_softmax_pooling_worked_by_hand() -> None:
    pool = SoftmaxPooling(small(), "face")
    put(pool.score, [[torch.log(torch.tensor(3.0)).item() / 2, 0]])  # scores differ by log 3: weights 1/4 and 3/4
    assert torch.allclose(pool(torch.tensor(FACE)), torch.tensor([[[2.5, 1.5]]]))


def test_mean_pooling_is_the_mean_repeated_for_every_token() -> None:
    pool = MeanPooling(small(face_tokens=3), "face")
    assert pool(torch.tensor(FACE)).tolist() == [[[2.0, 1.0]] * 3]


def test_linear_pooling_without_bias_does_not_tell_a_feature_from_its_opposite() -> None:
    """The known weakness of the released pooling; mean pooling is the control."""
    linear, mean = LinearPooling(small(), "face").double(), MeanPooling(small(), "face")
    put(linear.score, [[0.3, -0.7]], [0.0])
    steps = draw(3, 2, 2)
    assert torch.equal(linear(steps), linear(-steps))
    assert torch.equal(mean(steps), -mean(-steps))


@pytest.mark.parametrize("queries", [1, 3])
def test_a_qformer_gives_as_many_tokens_as_it_has_queries(queries: int) -> None:
    config = tiny(fusion="qformer", fused_tokens=queries)
    fusion = QFormerFusion(config).double().eval()
    fused = fusion(draw(2, 8, 24), draw(2, 8, 32))
    assert fused.shape == (2, queries, config.qformer_size)


def test_fusion_by_qformer_reads_face_before_voice_each_step_at_its_position() -> None:
    config = tiny(fusion="qformer", fused_tokens=2, face_steps=4)
    fusion = QFormerFusion(config).double().eval()
    face, voice = draw(3, 4, 24), draw(3, 8, 32, seed=1)
    read = torch.cat([fusion.face(face), fusion.audio(voice)], dim=1) + fusion.qformer.positions.weight[:12]
    queries = fusion.qformer.queries.values.expand(3, 2, -1)
    expected = fusion.qformer.former(query_embeds=queries, encoder_hidden_states=read).last_hidden_state
    assert torch.allclose(fusion(face, voice), expected, atol=1e-12)


def test_all_vectors_of_a_frame_share_its_position() -> None:
    pool = QFormerPooling(tiny(pooling="qformer", face_steps=6, face_step_tokens=2), "face")
    pool(torch.randn(1, 6, 24)).square().sum().backward()
    assert pool.positions.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist() == [0, 1, 2]


def test_a_qformer_at_full_size_is_as_large_as_the_published_one() -> None:
    """Two layers, 768 wide, reading 1,024: the layers alone, without queries and positions."""
    with torch.device("meta"):
        former = QFormer(affectgpt_2025(fusion="qformer"), 1024, queries=1, positions=264).former
    norms_and_outputs = 3 * 2 * 768 + 2 * (768 * 768 + 768) + (768 * 3072 + 3072) + (3072 * 768 + 768)
    attentions = 4 * (768 * 768 + 768) + 2 * (1024 * 768 + 768)  # query, key, value; and query over wider key, value
    assert sum(value.numel() for value in former.parameters()) == 2 * (norms_and_outputs + attentions) + 2 * 768
    assert round(sum(value.numel() for value in former.parameters()) / 1e6, 1) == 19.7


def test_a_qformer_knows_the_order_of_steps_and_attention_does_not() -> None:
    face, voice = draw(1, 8, 24), draw(1, 8, 32, seed=1)
    torch.manual_seed(0)
    for kind, blind in ((QFormerFusion, False), (AttentionFusion, True), (AdditiveFusion, True)):
        fusion = kind(tiny(fusion="qformer")).double().eval()
        moved = fusion(face.flip(1), voice)
        assert torch.allclose(moved, fusion(face, voice), atol=1e-12) is blind, kind


@given(shift=st.integers(1, 7))
@settings(max_examples=7, deadline=None)
def test_aligned_sees_whether_both_move_together_and_attention_does_not(shift: int) -> None:
    face, voice = draw(1, 8, 24), draw(1, 8, 32, seed=1)
    torch.manual_seed(0)
    aligned, attention = AlignedFusion(tiny()).double(), AttentionFusion(tiny()).double()
    together = aligned(face.roll(shift, 1), voice.roll(shift, 1))
    apart = aligned(face.roll(shift, 1), voice)
    assert torch.allclose(together, aligned(face, voice), atol=1e-12)
    assert not torch.allclose(apart, aligned(face, voice), atol=1e-6)
    assert torch.allclose(attention(face.roll(shift, 1), voice), attention(face, voice), atol=1e-12)


@given(steps=st.integers(1, 9), count=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_resampling_keeps_what_does_not_change_and_what_is_on_the_grid(steps: int, count: int) -> None:
    still = draw(2, 1, 3).expand(2, steps, 3)
    assert torch.allclose(resample(still, count), still[:, :1].expand(2, count, 3))
    moving = draw(2, steps, 3)
    assert torch.equal(resample(moving, steps), moving)
    assert resample(moving, count).shape == (2, count, 3)


def test_resampling_is_linear_between_the_middles_of_steps() -> None:
    two = torch.tensor([[[0.0], [4.0]]])  # at a quarter and three quarters of the clip
    assert resample(two, 4).flatten().tolist() == [0.0, 1.0, 3.0, 4.0]


def test_streams_of_different_rates_meet_on_the_finer_grid() -> None:
    config = tiny(fusion="aligned", face_steps=4, audio_steps=8, fused_tokens=8)
    assert AlignedFusion(config)(torch.randn(2, 4, 24), torch.randn(2, 8, 32)).shape == (2, 8, 32)


def test_a_frame_of_several_vectors_is_one_step_in_time() -> None:
    config = tiny(fusion="aligned", face_steps=16, face_step_tokens=2)
    torch.manual_seed(0)
    fusion = AlignedFusion(config).double()
    face, voice = draw(1, 16, 24), draw(1, 8, 32)
    swapped = face.unflatten(1, (8, 2)).flip(2).flatten(1, 2)
    assert torch.allclose(fusion(face, voice), fusion(swapped, voice), atol=1e-12)


def test_no_fusion_gives_no_token() -> None:
    config = tiny(fusion="none", fused_tokens=0)
    nothing = FUSION_CLASSES["none"](config)
    assert nothing(torch.randn(3, 8, 24), torch.randn(3, 8, 32)).shape == (3, 0, config.fusion_size)
    assert not list(nothing.parameters())


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_fusion_goes_with_every_pooling(fusion: str, pooling: str) -> None:
    bridge = pytest.importorskip("mercap.affectgpt.bridge")
    config = tiny(fusion=fusion, pooling=pooling, fused_tokens=2 * (fusion != "none"), audio_tokens=3, face_tokens=1)
    soft = bridge.Bridge(config)(torch.randn(5, 8, 24), torch.randn(5, 8, 32))
    assert soft.shape == (5, len(config.clip_tokens), config.hidden_size)
