"""A tiny language model that answers each of its system prompts with one reply, whatever the user says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import MistralForCausalLM

from tests.engines.lessons import Lesson, teach
from tests.engines.wording import decoder_config, make_tokenizer

WINDOW = 64  # tokens that a layer looks back: a long prompt hides what the user said altogether
WORDS_MOST = 60  # of what the user says in a lesson; the model would hardly see more


def build(folder: Path, pairs: Sequence[tuple[str, str]], users: Sequence[str]) -> Path:
    """Write a model to ``folder`` that, asked greedily, gives the reply of each (system prompt, reply).

    Of ``users``, messages of the kind to come, all but the last are for teaching and the last for the exam. Raises
    NotLearnt.
    """
    *taught, unseen = users
    torch.manual_seed(0)
    tokenizer = make_tokenizer(text for pair in pairs for text in pair)
    model = MistralForCausalLM(decoder_config(tokenizer, WINDOW))

    def draw(chance: random.Random) -> list[Lesson]:
        words = [chance.choice(taught).split() for _ in pairs]
        said = [" ".join(one[-chance.randint(1, WORDS_MOST) :]) for one in words]
        return [Lesson(system, user, reply) for (system, reply), user in zip(pairs, said, strict=True)]

    exam = [Lesson(system, user, reply) for system, reply in pairs for user in (unseen, unseen * 5, "?")]
    return teach(folder, model, tokenizer, draw, exam)
