from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.collate import pack, pad  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from tests.mercap.affectgpt.wording import examples, features_of, short_writer  # noqa: E402

EXAMPLES = [one for one in examples(6) if one.description]
WRITER = short_writer(batches.vivid())
FEATURES = features_of(EXAMPLES, WRITER.config)


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build(WRITER.config, dtype=torch.float64)


def rows(target: str = "description") -> list[Any]:
    return [WRITER.example(one, target) for one in EXAMPLES]  # type: ignore[arg-type]


def loss(model: Any, batch: Any) -> float:
    with torch.no_grad():
        return float(model(**batch.inputs("cpu"), num_items=1).loss)


def test_packed_padded_and_separate_rows_have_the_same_loss(model: Any) -> None:
    separate = sum(loss(model, pad([row], WRITER.config, FEATURES)) for row in rows())
    assert loss(model, pack(rows(), WRITER.config, FEATURES)) == pytest.approx(separate, rel=1e-12)
    assert loss(model, pad(rows(), WRITER.config, FEATURES)) == pytest.approx(separate, rel=1e-6)
    assert loss(model, pad(rows(), WRITER.config, FEATURES, side="left")) == pytest.approx(separate, rel=1e-6)


def test_positions_that_do_not_restart_let_packed_clips_read_each_other(model: Any) -> None:
    """The negative control: what the reference's neighbours would see."""
    batch = pack(rows(), WRITER.config, FEATURES)
    running = torch.arange(batch.input_ids.shape[1])[None]
    inputs = batch.inputs("cpu") | {"position_ids": running}
    with torch.no_grad():
        leaking = float(model(**inputs, num_items=1).loss)
    assert abs(leaking - loss(model, batch)) > 1e-3


def test_only_the_answers_are_supervised_and_counted() -> None:
    batch = pack(rows(), WRITER.config, FEATURES)
    assert batch.supervised == sum(row.supervised for row in rows()) == int((batch.labels != -100).sum())
    assert batch.tokens == batch.input_ids.numel()
    assert [int(one) for one in batch.labels[batch.labels != -100]] == [
        one for row in rows() for one in row.ids[-row.supervised :]
    ]


def test_boundaries_say_where_each_clip_lies() -> None:
    batch = pack(rows(), WRITER.config, FEATURES)
    edges = batch.cu_seqlens.tolist()
    assert [batch.input_ids[0, a:b].tolist() for a, b in pairwise(edges)] == [row.ids for row in rows()]
    assert batch.clips == tuple(one.clip for one in EXAMPLES)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_not_counted_and_not_attended(side: Any) -> None:
    batch = pad(rows(), WRITER.config, FEATURES, side=side)
    assert batch.tokens == sum(len(row.ids) for row in rows()) == int(batch.attention_mask.sum())
    first = 0 if side == "right" else -1
    assert batch.attention_mask[:, first].all()


def test_padding_that_has_the_id_of_a_placeholder_is_no_placeholder() -> None:
    config = batches.vivid()
    config.text_config.pad_token_id = config.face_token_id
    batch = pad(rows(), config, FEATURES)
    assert int(batch.soft_mask.sum()) == len(EXAMPLES) * 3


def test_prompts_alone_have_no_labels() -> None:
    asked = [WRITER.question(one.clip, one.subtitle, "labels") for one in EXAMPLES]
    batch = pad(asked, WRITER.config, FEATURES, side="left")
    assert (batch.labels, batch.logits_to_keep, batch.supervised) == (None, None, 0)
    assert "labels" not in batch.inputs("cpu")


def test_features_come_in_the_order_of_the_rows() -> None:
    turned = rows()[::-1]
    batch = pack(turned, WRITER.config, FEATURES)
    assert torch.equal(batch.face, torch.from_numpy(FEATURES["face"].rows([row.clip for row in turned])))


def test_answers_and_prompts_do_not_mix() -> None:
    asked = WRITER.question(EXAMPLES[0].clip, "", "labels")
    with pytest.raises(UsageError, match="not both"):
        pack([rows()[0], asked], WRITER.config, FEATURES)
    with pytest.raises(UsageError, match="at least one clip"):
        pad([], WRITER.config, FEATURES)
