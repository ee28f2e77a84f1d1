from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from mercap.affectgpt.data import TrainingData
from mercap.affectgpt.features import FeaturesInMemory
from mercap.errors import UsageError
from tests.mercap.affectgpt.wording import examples, features_of, short_writer

EXAMPLES = examples(5)
WRITER = short_writer()
FEATURES = features_of(EXAMPLES)


def data(some: Any = None, features: Any = None, targets: Any = ("description", "labels"), most: int = 1024) -> Any:
    return TrainingData(EXAMPLES if some is None else some, WRITER, features or FEATURES, targets, most)


class Faceless(FeaturesInMemory):
    """Features of which one clip has none, for a reason."""

    def __init__(self, without: str, cause: str) -> None:
        face = FEATURES["face"]
        rest = [one.clip for one in EXAMPLES if one.clip != without]
        super().__init__(dict(zip(rest, face.rows(rest), strict=True)), face.identity)
        self._without, self._cause = without, cause

    def status(self, clip: str) -> str:
        return self._cause if clip == self._without else super().status(clip)


def test_each_example_offers_the_targets_it_has() -> None:
    found = data()
    assert len(found) == 5
    assert [found.targets(place) for place in (0, 1, 2)] == [("description", "labels"), ("description",), ("labels",)]
    row = found.row(0, "labels")
    assert row == WRITER.example(EXAMPLES[0], "labels")
    assert found.length(0, "labels") == len(row.ids)


def test_examples_without_the_target_that_is_asked_for_are_left_out_by_name() -> None:
    found = data(targets=("labels",))
    assert [found.clip(place) for place in range(len(found))] == [EXAMPLES[n].clip for n in (0, 2, 3, 4)]
    assert [(one.name, one.reason) for one in found.left_out] == [("clip_1", "no_target")]


def test_rows_that_are_too_long_are_left_out_by_name() -> None:
    longest = data().length(4, "description")
    found = data(targets=("description",), most=longest - 1)
    assert ("clip_4", "too_long") in [(one.name, one.reason) for one in found.left_out]


def test_a_clip_that_has_no_face_is_left_out_with_the_cause() -> None:
    found = data(features={**FEATURES, "face": Faceless(EXAMPLES[3].clip, "no_face")})
    assert [(one.name, one.reason) for one in found.left_out] == [("clip_3", "no_face")]


def test_clips_that_were_never_encoded_are_an_error_that_says_what_to_run() -> None:
    with pytest.raises(UsageError, match=r"1 of 5 clips have no features, the first is 'clip_3'; run mercap features"):
        data(features={**FEATURES, "face": Faceless(EXAMPLES[3].clip, "missing")})


def test_features_of_another_shape_are_refused_before_anything_is_read() -> None:
    wide = FeaturesInMemory({one.clip: np.zeros((8, 25)) for one in EXAMPLES}, {"kind": "dinov3"})
    with pytest.raises(UsageError, match="features of dinov3 are 8 x 25, the model reads 8 x 24 of 'face'"):
        data(features={**FEATURES, "face": wide})


def test_a_stream_that_was_not_given_is_named() -> None:
    with pytest.raises(UsageError, match="reads 'audio', and no features of it were given"):
        data(features={"face": FEATURES["face"]})


def test_nothing_left_says_why() -> None:
    with pytest.raises(UsageError, match=r"None of 5 examples can be trained on: 5 too_long\."):
        data(most=3)


@pytest.mark.parametrize("change", ["subtitle", "order", "targets", "features"])
def test_whatever_decides_what_is_trained_on_is_in_the_digest(change: str) -> None:
    changed = {
        "subtitle": lambda: data([EXAMPLES[0]._replace(subtitle="other"), *EXAMPLES[1:]]),
        "order": lambda: data(EXAMPLES[::-1]),
        "targets": lambda: data(targets=("labels",)),
        "features": lambda: data(features=features_of(EXAMPLES, seed=1)),
    }[change]()
    assert data().digest == data().digest != changed.digest
