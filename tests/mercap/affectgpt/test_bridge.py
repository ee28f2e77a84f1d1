"""What the bridge reads, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build()


def test_the_order_of_streams_is_the_order_of_their_tokens() -> None:
    there = batches.build(batches.vivid(stream_order=["face", "audio", "fused"]))
    here = batches.build(batches.vivid())
    here.load_state_dict(there.state_dict())
    clip = batches.features(here.config, 1)
    assert torch.equal(there.bridge(**clip), here.bridge(**clip)[:, [2, 1, 0]])


def test_features_stored_in_half_precision_are_read(model: Any) -> None:
    clip = batches.features(model.config, 1)
    halves = {stream: steps.half() for stream, steps in clip.items()}
    rounded = {stream: steps.half().float() for stream, steps in clip.items()}
    assert torch.equal(model.bridge(**halves), model.bridge(**rounded))


@pytest.mark.parametrize(
    ("stream", "shape", "said"),
    [
        ("face", (2, 8, 32), r"'face' came as \(2, 8, 32\), expected \(clips, 8, 24\)"),
        ("audio", (2, 7, 32), r"'audio' came as \(2, 7, 32\), expected \(clips, 8, 32\)"),
        ("audio", (8, 32), r"'audio' came as \(8, 32\), expected \(clips, 8, 32\)"),
        ("face", (1, 8, 24), "there are 1 of 'face' and 2 of 'audio'"),
    ],
)
def test_a_wrong_shape_names_the_stream_what_came_and_what_was_expected(
    model: Any, stream: str, shape: tuple[int, ...], said: str
) -> None:
    clips = batches.features(model.config, 2) | {stream: torch.zeros(shape)}
    with pytest.raises(UsageError, match=said):
        model.bridge(**clips)


def test_missing_and_whole_number_features_are_sentences(model: Any) -> None:
    clips = batches.features(model.config, 2)
    with pytest.raises(UsageError, match="'face' are missing"):
        model.bridge(face=None, audio=clips["audio"])
    with pytest.raises(UsageError, match=r"'audio' came as torch\.int64"):
        model.bridge(face=clips["face"], audio=clips["audio"].long())
