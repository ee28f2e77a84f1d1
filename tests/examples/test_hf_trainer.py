"""transformers' Trainer takes the model as it takes any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from examples.hf_trainer import main, make_trainer  # noqa: E402
from mercap.affectgpt.lora import is_adapter, trained_names  # noqa: E402
from mercap.affectgpt.training.loop import fit  # noqa: E402
from mercap.affectgpt.training.options import paper  # noqa: E402


def awake(config: Any) -> Any:
    """A model whose adapters do not begin with zeros, which would give half of them no gradient."""
    model, draw = school.learner(config), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if is_adapter(name):
                value.copy_(torch.randn(value.shape, generator=draw) * 0.1)
    return model


def trained(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.named_parameters() if value.requires_grad}


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_step_of_the_trainer_is_a_step_of_ours(tmp_path: Path) -> None:
    """One step over four clips, two by two, with answers of unequal length: the Trainer tells the model how many
    tokens of the whole step are supervised, and both add up to the same gradient."""
    config = batches.vivid()
    data = school.lessons(config, 4, both=False)
    for place in range(4):  # answers of two to five tokens
        row = data.row(place, "labels")
        data._rows[place]["labels"] = row._replace(ids=[*row.ids[:-1], *[30] * place, 2], supervised=2 + place)
    theirs, ours = awake(config), awake(config)
    before = {name: value.detach().clone() for name, value in theirs.named_parameters()}
    trainer = make_trainer(
        theirs, data, tmp_path / "theirs", max_steps=1, per_device_train_batch_size=2, gradient_accumulation_steps=2,
        learning_rate=1e-2, lr_scheduler_type="constant", adam_epsilon=1.0, weight_decay=0.0, max_grad_norm=0.0,
        use_cpu=True, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer.train()
    changed = {name for name, value in theirs.named_parameters() if not torch.equal(value, before[name])}
    assert changed == trained_names(theirs)
    options = paper(
        steps=1, batch=4, lr=1e-2, lr_last=1e-2, epsilon=1.0, weight_decay=0.0, lora_dropout=0.0, device="cpu"
    )
    list(fit(ours, data, options, tmp_path / "ours"))
    expected, found = trained(ours), trained(theirs)
    assert all(torch.allclose(found[name], expected[name], atol=1e-6, rtol=0) for name in expected)
    assert max(float((expected[name] - before[name]).abs().max()) for name in expected) > 1e-4


def test_the_example_trains_on_a_store_and_leaves_an_adapter(tmp_path: Path) -> None:
    from storage.store import Store
    from tests.flows.trained import annotated, draw_features

    lab = annotated(tmp_path, 3)
    draw_features(Store.open(lab.store))
    main(lab.store, tmp_path / "out", steps=1)
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").stat().st_size > 10_000
