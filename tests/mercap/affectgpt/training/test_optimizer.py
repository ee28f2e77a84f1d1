"""AdamW, told apart by what decays."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")

from mercap.affectgpt.training.optimizer import (  # noqa: E402
    clip_gradients,
    make_optimizer,
    set_rate,
    trained_parameters,
)


def test_biases_and_vectors_do_not_decay_and_everything_is_there_once() -> None:
    named = trained_parameters(school.learner())
    optimizer = make_optimizer(named, school.quick(weight_decay=0.3))
    decays = {id(value): group["weight_decay"] for group in optimizer.param_groups for value in group["params"]}
    assert {(value.ndim >= 2, decays[id(value)]) for _, value in named} == {(True, 0.3), (False, 0.0)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(named)


def test_a_step_is_adamw_as_it_is_written() -> None:
    """One weight, two steps, by hand."""
    weight = torch.nn.Parameter(torch.full((1, 1), 2.0, dtype=torch.float64))
    options = school.quick(weight_decay=0.1, lr=0.01)
    optimizer = make_optimizer([("weight", weight)], options)
    value, mean, square = 2.0, 0.0, 0.0
    for step, (gradient, rate) in enumerate([(0.5, 0.01), (-1.0, 0.02)], start=1):
        weight.grad = torch.full((1, 1), gradient, dtype=torch.float64)
        set_rate(optimizer, rate)
        optimizer.step()
        value *= 1 - rate * 0.1
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        value -= rate * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)) ** 0.5 + 1e-8)
        assert weight.item() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("longest", "kept"), [(None, 5.0), (10.0, 5.0), (1.0, 1.0)])
def test_a_gradient_is_shortened_and_its_length_before_is_told(longest: Any, kept: float) -> None:
    values = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    values[0].grad, values[1].grad = torch.tensor([3.0]), torch.tensor([4.0])
    assert float(clip_gradients(values, longest)) == pytest.approx(5.0)
    assert float(torch.stack([value.grad for value in values]).norm()) == pytest.approx(kept, rel=1e-5)
