"""How long the label answers of a whole benchmark take: batches against one by one, from cached features.

12,799 is the number of clips in the nine sets of MER-UniBench. Answers have a fixed length, since random weights never
come to an end: 16 tokens, as the published ones on average.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from benchmarks.waterfall import random_model, synchroniser
from benchmarks.waterfall_batches import draw
from mercap.affectgpt.collate import pad
from mercap.affectgpt.lora import make_trainable
from mercap.affectgpt.presets import PRESETS
from mercap.affectgpt.prompt import Row

BENCHMARK_CLIPS = 12_799
ANSWER_TOKENS = 16
BATCH = 256
SINGLE = 10  # answers measured one by one, through unmerged adapters, as the released code does


def generation(preset: str, device: str, answers: int) -> dict[str, float]:
    """Seconds per answer, and what they make for the whole benchmark."""
    config = PRESETS[preset]()
    kind = torch.bfloat16
    torch.manual_seed(0)
    model = make_trainable(random_model(config, kind, "sdpa", device)).eval()
    draws = draw(config, answers, side=8)
    prompts = sorted((Row(row.clip, row.ids[: -row.supervised], 0) for row in draws.rows), key=lambda row: len(row.ids))
    answer = Answering(model.get_base_model(), draws.features, device)
    answer.seconds(prompts[:BATCH], BATCH)  # kernels are chosen, memory is taken
    single_s = answer.seconds(prompts[:SINGLE], 1)
    answer.model = model.merge_and_unload()
    batched_s = answer.seconds(prompts, BATCH)
    return {
        "answers": float(answers),
        "tokens_per_prompt": sum(len(row.ids) for row in prompts) / answers,
        "tokens_per_answer": float(ANSWER_TOKENS),
        "answers_per_s": answers / batched_s,
        "single_answers_per_s": SINGLE / single_s,
        "gain": (answers / batched_s) / (min(SINGLE, answers) / single_s),
        "whole_benchmark_s": BENCHMARK_CLIPS * batched_s / answers,
    }


class Answering:
    """A model, and the clock around its answers."""

    def __init__(self, model: Any, features: Any, device: str) -> None:
        self.model, self.features, self.device = model, features, device
        self.wait = synchroniser(device)

    def seconds(self, prompts: list[Row], batch: int) -> float:
        """All prompts in batches, greedy, collation included."""
        self.wait()
        started = time.perf_counter()
        for start in range(0, len(prompts), batch):
            self._answer(prompts[start : start + batch])
        self.wait()
        return time.perf_counter() - started

    def _answer(self, prompts: list[Row]) -> None:
        laid = pad(prompts, self.model.config, self.features, side="left").inputs(self.device)
        laid.pop("position_ids")  # `generate` makes its own from the mask
        made = self.model.generate(**laid, max_new_tokens=ANSWER_TOKENS, min_new_tokens=ANSWER_TOKENS)
        assert made.shape == (len(prompts), ANSWER_TOKENS)
