"""What every encoder must keep, one test for each promise, over every row of the table."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from mercap.affectgpt.encoders.options import EncoderOptions  # noqa: E402
from mercap.affectgpt.encoders.table import ENCODERS  # noqa: E402
from tests.mercap.affectgpt.encoders import tiny  # noqa: E402
from tests.mercap.affectgpt.encoders.conftest import Load  # noqa: E402

KINDS = pytest.mark.parametrize("kind", sorted(ENCODERS))


@KINDS
def test_features_have_the_shape_the_encoder_states_and_are_fp16(load: Load, kind: str) -> None:
    encoder = load(kind)
    found = encoder.encode(tiny.samples(2))
    assert found.shape == (2, encoder.steps, encoder.dim)
    assert found.dtype == np.float16
    assert encoder.steps % encoder.step_tokens == 0
    assert encoder.reads == ENCODERS[kind].reads
    assert (encoder.sampling.pictures > 0) == (encoder.reads == "face")
    assert (encoder.sampling.windows > 0) == (encoder.reads == "audio")


@KINDS
def test_the_same_clips_give_the_same_features_in_another_process_of_the_same_weights(load: Load, kind: str) -> None:
    clips = tiny.samples(2)
    encoder = load(kind)
    found = encoder.encode(clips)
    assert (encoder.encode(clips) == found).all()
    assert (load(kind).encode(clips) == found).all()
    assert (encoder.encode(clips[::-1]) == found[::-1]).all()


@KINDS
def test_features_tell_clips_apart(load: Load, kind: str) -> None:
    found = load(kind).features([*tiny.samples(1, seed=1), *tiny.samples(1, seed=2, level=0.02)])
    assert (found[0] != found[1]).any()


@KINDS
@pytest.mark.parametrize("batch", [1, 3, 4])
def test_the_features_of_a_clip_do_not_depend_on_its_neighbours(load: Load, kind: str, batch: int) -> None:
    clip, quiet, loud = tiny.samples(1)[0], tiny.samples(1, 1, level=0.001)[0], tiny.samples(1, 2, level=0.9)[0]
    encoder = load(kind, batch=batch)
    alone = encoder.features([clip])[0]
    assert torch.equal(encoder.features([quiet, clip, loud])[1], alone)
    assert torch.equal(encoder.features([loud, loud, loud, loud, clip])[4], alone)


@KINDS
def test_train_mode_of_the_model_around_it_leaves_an_encoder_as_it_is(load: Load, kind: str) -> None:
    encoder = load(kind)
    clips = tiny.samples(1)
    before = encoder.features(clips)
    torch.nn.ModuleDict({"encoder": encoder, "head": torch.nn.Linear(2, 2)}).train()
    assert not any(module.training for module in encoder.modules())
    assert torch.equal(encoder.features(clips), before)
    assert torch.equal(encoder.features(clips), before), "nothing random is drawn"


@KINDS
def test_no_weight_of_an_encoder_takes_a_gradient(load: Load, kind: str) -> None:
    encoder = load(kind)
    assert not any(weights.requires_grad for weights in encoder.parameters())
    assert not encoder.features(tiny.samples(1)).requires_grad


@KINDS
def test_the_identity_is_plain_json_and_says_what_makes_the_numbers(load: Load, kind: str) -> None:
    identity = load(kind).identity
    assert json.loads(json.dumps(identity)) == identity
    assert {"kind", "model", "revision", "version", "steps", "dim", "sampling", "media"} <= identity.keys()


@KINDS
def test_device_dtype_batch_and_download_are_no_part_of_the_identity(load: Load, kind: str) -> None:
    other = load(kind, batch=5, dtype="bfloat16", download=True, device="auto")
    assert other.identity == load(kind).identity


@pytest.mark.parametrize("kind", sorted(kind for kind, row in ENCODERS.items() if row.reads == "face"))
def test_what_is_cut_out_of_the_frame_is_part_of_the_identity(load: Load, kind: str) -> None:
    assert load(kind, crop="frame").identity != load(kind).identity


@KINDS
def test_half_precision_of_the_weights_changes_features_little(load: Load, kind: str) -> None:
    clips = tiny.samples(2)
    found, half = (load(kind, dtype=dtype).features(clips) for dtype in ("float32", "bfloat16"))
    assert float((half - found).norm() / found.norm()) < 0.02


def test_nothing_to_encode_is_no_error(load: Load) -> None:
    encoder = load("clip_rows")
    assert encoder.encode([]).shape == (0, encoder.steps, encoder.dim)


def test_the_weights_of_clip_rows_are_these_for_good() -> None:
    from mercap.affectgpt.encoders import load_encoder

    identity = load_encoder(EncoderOptions(kind="clip_rows")).identity
    assert identity["revision"] == "4c5b68fe377d6057dd15c9ed1cdf8428"
