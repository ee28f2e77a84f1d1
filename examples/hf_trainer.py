"""The model under transformers' own Trainer, for those whose scripts and habits are there: ``python -m
examples.hf_trainer STORE OUT`` trains the tiny preset on a store's captions, whose clips have features.

Trainer pads, one clip per row. It resumes, but not with the same targets and dropout; `mercap train` does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mercap.affectgpt.training.options import fast
from storage.store import Store
from tasks.examples import from_store
from tasks.train import ModelChoice, find_features, prepare


def make_trainer(model: Any, data: Any, out: Path, **arguments: Any) -> Any:
    """A Trainer over ``data``, a `mercap.affectgpt.data.TrainingData`: every clip with all of its targets per epoch."""
    import torch
    from transformers import Trainer, TrainingArguments

    from mercap.affectgpt.collate import pad

    settings = {"remove_unused_columns": False, "report_to": "none", "dataloader_pin_memory": torch.cuda.is_available()}
    draws = [(place, target) for place in range(len(data)) for target in data.targets(place)]
    return Trainer(
        model=model,
        args=TrainingArguments(str(out), **settings, **arguments),
        train_dataset=draws,
        data_collator=lambda drawn: pad([data.row(*draw) for draw in drawn], data.config, data.features).inputs("cpu"),
    )


def main(store: Path, out: Path, steps: int = 100) -> None:
    opened = Store.open(store)
    choice = ModelChoice("tiny", None, None, download=False, prompt="train/v1.en")
    found, features = from_store(opened, "captions"), find_features(opened, "tiny", {})
    ready = prepare(out, choice, found, features, fast(), ("description", "labels"), tokens_max=1_024)
    make_trainer(ready.model, ready.data, out, max_steps=steps, learning_rate=1e-4).train()
    ready.model.save_pretrained(out / "adapter")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
