"""Recipes: named, complete, and not to be mixed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mercap.affectgpt.training.options import TRAINING, TrainingOptions, fast, paper
from mercap.errors import UsageError


def test_the_paper_draws_900_000_clips_at_a_constant_rate() -> None:
    options = paper()
    assert options.steps * (options.batch or 0) == 900_000
    assert (options.lr, options.schedule, options.lora_dropout, options.weight_decay) == (1e-5, "constant", 0.05, 0.05)


@pytest.mark.parametrize("recipe", TRAINING)
def test_each_recipe_is_whole_without_being_told_anything(recipe: str) -> None:
    assert TRAINING[recipe]().recipe == recipe


@pytest.mark.parametrize(
    ("recipe", "changes", "sentence"),
    [
        ("paper", {"pack_tokens": 4_096}, "pack_tokens belongs to the recipe 'fast', not to 'paper'"),
        ("paper", {"pack_window": 200}, "pack_window belongs to the recipe 'fast'"),
        ("fast", {"batch": 3}, "batch belongs to the recipe 'paper', not to 'fast'"),
        ("fast", {"pack_tokens": None}, "the recipe 'fast' needs pack_tokens"),
        ("paper", {"batch": None}, "the recipe 'paper' needs batch"),
        ("fast", {"steps": 10, "warmup_steps": 10}, r"warmup_steps \(10\) must be fewer than steps \(10\)"),
        ("fast", {"lr_last": 1.0e-1}, r"lr_last \(0.1\) must not exceed lr"),
        ("fast", {"lr": 0}, "lr: Input should be greater than 0"),
        ("fast", {"learning_rate": 1e-3}, "learning_rate: Extra inputs are not permitted"),
        ("fast", {"recipe": "paper"}, "chosen by its function"),
    ],
)
def test_what_cannot_be_is_one_sentence(recipe: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        TRAINING[recipe](**changes)


def test_where_and_how_closely_watched_a_run_is_does_not_change_what_it_is() -> None:
    options = fast(steps=100)
    watched = {"device": "cpu", "checkpoint_every": 7, "keep": 9, "log_every": 1, "prefetch": 0, "tensorboard": False}
    assert fast(steps=100, peak_tflops=5.0, **watched).digest == options.digest
    changes: list[dict[str, Any]] = [{"seed": 1}, {"lr": 1e-4}, {"pack_tokens": 99}, {"accumulate": 2}, {"steps": 200}]
    for change in changes:
        assert fast(**({"steps": 100} | change)).digest != options.digest, change


def test_a_run_at_a_constant_rate_may_be_made_longer() -> None:
    assert paper(steps=400_000).digest == paper().digest


def test_every_field_says_what_it_is() -> None:
    import inspect

    source = inspect.getsource(TrainingOptions)
    for field in TrainingOptions.model_fields:
        assert re.search(rf'^    {field}: .*\n    """', source, re.MULTILINE), field
