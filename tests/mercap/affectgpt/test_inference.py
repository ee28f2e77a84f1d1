from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.collate import pad  # noqa: E402
from mercap.affectgpt.inference import Answerer, Question  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from tests.mercap.affectgpt.wording import TOKENIZER, examples, features_of, short_writer  # noqa: E402

EXAMPLES = examples(6)
WRITER = short_writer(batches.vivid())
FEATURES = features_of(EXAMPLES, WRITER.config)
QUESTIONS = [Question(one.clip, one.name, one.subtitle) for one in EXAMPLES]


@pytest.fixture(scope="module")
def model() -> Any:
    return batches.build(WRITER.config, dtype=torch.float64)


def asked(model: Any, questions: Any = None, **options: Any) -> dict[str, str]:
    answerer = Answerer(model, WRITER, TOKENIZER, FEATURES, **({"max_new_tokens": 8} | options))
    return {one.name: one.response for some in answerer.answers(questions or QUESTIONS) for one in some}


def test_answers_of_a_batch_are_those_of_clips_one_by_one(model: Any) -> None:
    together = asked(model, batch=4)
    assert together == {name: asked(model, [one], batch=1)[name] for one in QUESTIONS for name in [one.name]}
    assert len(set(together.values())) > 1


def test_the_wrong_padding_side_would_change_answers(model: Any) -> None:
    """The negative control: as the reference pads in training."""
    rows = [WRITER.question(one.clip, one.subtitle, "labels") for one in QUESTIONS]
    batch = pad(rows, WRITER.config, FEATURES, side="right")
    with torch.no_grad():
        logits = model(**batch.inputs("cpu")).logits[:, -1]
        alone = [model(**pad([row], WRITER.config, FEATURES).inputs("cpu")).logits[0, -1] for row in rows]
    assert not torch.allclose(logits, torch.stack(alone), atol=1e-3)


def test_what_a_clip_is_shown_decides_its_answer(model: Any) -> None:
    other = features_of(EXAMPLES, WRITER.config, seed=9)
    answerer = Answerer(model, WRITER, TOKENIZER, other, max_new_tokens=8)
    changed = {one.name: one.response for some in answerer.answers(QUESTIONS) for one in some}
    assert changed != asked(model)


def test_the_longest_prompts_come_first(model: Any) -> None:
    answerer = Answerer(model, WRITER, TOKENIZER, FEATURES, batch=2, max_new_tokens=1)
    assert [one.name for some in answerer.answers(QUESTIONS) for one in some] == [
        f"clip_{n}" for n in (5, 4, 3, 2, 1, 0)
    ]


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(model: Any, monkeypatch: Any) -> None:
    sizes: list[int] = []
    generate = model.generate

    def small(input_ids: Any, **options: Any) -> Any:
        sizes.append(len(input_ids))
        if len(input_ids) > 2:
            raise torch.OutOfMemoryError("out")
        return generate(input_ids, **options)

    expected = asked(model, batch=1)
    monkeypatch.setattr(model, "generate", small)
    assert asked(model, batch=5) == expected
    assert sizes == [5, 2, 2, 2]


def test_a_clip_that_does_not_fit_alone_is_a_sentence(model: Any, monkeypatch: Any) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("out")

    monkeypatch.setattr(model, "generate", full)
    with pytest.raises(UsageError, match="too small for one clip"):
        asked(model, batch=2)


def test_sampling_gives_the_same_answers_for_the_same_seed_whatever_was_asked_before(model: Any) -> None:
    first = asked(model, batch=1, seed=1)
    assert asked(model, QUESTIONS[::-1], batch=1, seed=1) == first
    assert asked(model, batch=1, seed=2) != first
    assert first != asked(model, batch=1)
    with pytest.raises(UsageError, match="--batch 1"):
        asked(model, batch=2, seed=1)


def test_an_answer_without_end_says_so(model: Any) -> None:
    answerer = Answerer(model, WRITER, TOKENIZER, FEATURES, max_new_tokens=3)
    found = [one for some in answerer.answers(QUESTIONS) for one in some]
    assert {(one.tokens, one.cut) for one in found if one.cut} <= {(3, True)}
    assert any(one.cut for one in found)
