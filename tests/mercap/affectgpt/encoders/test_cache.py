"""Training on stored features is training on live ones: same loss, same gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from storage.features import FeatureFolder  # noqa: E402
from tests.mercap.affectgpt import batches  # noqa: E402
from tests.mercap.affectgpt.encoders import tiny  # noqa: E402
from tests.mercap.affectgpt.encoders.conftest import Load  # noqa: E402

CLIPS = [f"{number:064x}" for number in range(3)]
# What fp16 may change, relative: a feature is off by at most 2**-11 of itself. Measured over nine batches: 7e-5, 3e-3.
FP16_LOSS, FP16_GRADIENTS = 2e-4, 6e-3


def stored(encoder: Any, root: Path, samples: list[Any]) -> Any:
    """(C, steps, dim) through the disk, a part per clip."""
    folder = FeatureFolder.create(root, encoder.identity)
    for clip, features in zip(CLIPS, encoder.encode(samples), strict=True):
        folder.write("run", 0, {clip: features}, {}, encoder.made_with)
    return torch.from_numpy(FeatureFolder(folder.folder).rows(CLIPS))


def step(features: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The loss of one training step, and the gradient of everything that trains."""
    config = batches.vivid(face_dim=features["face"].shape[2], audio_dim=features["audio"].shape[2])
    model = batches.build(config)
    ids = batches.row(*(batches.prompt(config, 5 + clip, 9, 11, 12) for clip in range(len(CLIPS))))
    output = model(ids, labels=batches.labels_of(ids, [2, 2, 2]), **{one: f.float() for one, f in features.items()})
    output.loss.backward()
    return output.loss.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(("face", "audio"), [("clip_rows", "log_mel"), ("clip", "hubert"), ("siglip2", "wavlm")])
def test_stored_features_give_the_loss_and_gradients_of_live_ones(
    load: Load, tmp_path: Path, face: str, audio: str
) -> None:
    samples = tiny.samples(3)
    encoders = {"face": load(face), "audio": load(audio)}
    live = {name: encoder.features(samples) for name, encoder in encoders.items()}
    cached = {name: stored(encoder, tmp_path, samples) for name, encoder in encoders.items()}
    for name, features in live.items():
        assert torch.equal(features.half(), cached[name]), "what is stored is what was computed, rounded once"
    loss, gradients = step(cached)
    assert len(gradients) > 20
    rounded_loss, rounded = step({name: features.half() for name, features in live.items()})
    assert torch.equal(rounded_loss, loss)
    assert all(torch.equal(rounded[name], gradients[name]) for name in gradients)
    exact_loss, exact = step(live)
    assert abs(float(exact_loss - loss)) / float(loss) < FP16_LOSS
    every, exactly = (torch.cat([one.flatten() for one in found.values()]) for found in (gradients, exact))
    assert float((exactly - every).norm() / exactly.norm()) < FP16_GRADIENTS


def test_a_neighbours_features_would_show_in_the_loss(load: Load, tmp_path: Path) -> None:
    """The control: the equality above is not that of a model that ignores what it is given."""
    samples = tiny.samples(3)
    features = {name: torch.from_numpy(load(kind).encode(samples)) for name, kind in
                (("face", "clip_rows"), ("audio", "log_mel"))}  # fmt: skip
    loss, _ = step(features)
    moved, _ = step({name: one.roll(1, 0) for name, one in features.items()})
    assert abs(float(moved - loss)) / float(loss) > 50 * FP16_LOSS


def test_features_too_large_for_fp16_come_out_as_infinity_and_not_as_something_else(load: Load) -> None:
    encoder = load("log_mel")
    encoder.forward = lambda samples: torch.full((len(samples), encoder.steps, encoder.dim), 1e6)
    assert np.isinf(encoder.encode(tiny.samples(1))).all()
