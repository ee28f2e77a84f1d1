"""Teaching a tiny model its replies by heart, until it is sure of them under messages it was not taught with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin

SURE = 0.9  # the least probability of any token of a reply
STEPS_MOST, STEPS_BETWEEN_EXAMS = 1500, 25
RATE, WARM_STEPS = 3e-3, 30
POOL = 100  # steps that are drawn; after that they come again
IGNORED = -100  # a label that counts for nothing
WORDS = ("input_ids", "attention_mask")

Inputs = dict[str, torch.Tensor]
Speaker: TypeAlias = PreTrainedTokenizerBase | ProcessorMixin


class NotLearnt(RuntimeError):
    """The model was not sure of its replies after the last step."""


class Lesson(NamedTuple):
    """``content`` is what the user sends: words, or a list of parts as transformers' processors take them."""

    system: str
    content: str | list[dict[str, Any]]
    reply: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        listed = [{"type": "text", "text": self.system}]
        system = self.system if isinstance(self.content, str) else listed
        return [{"role": "system", "content": system}, {"role": "user", "content": self.content}]


@contextmanager
def one_thread() -> Iterator[None]:
    """The models are too small to share out: on busy cores, threads that wait for one another take much longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def teach(
    folder: Path,
    model: PreTrainedModel,
    speaker: Speaker,
    draw: Callable[[random.Random], list[Lesson]],
    exam: Sequence[Lesson],
) -> Path:
    """Train on drawn lessons until every reply of ``exam`` comes surely and, generated greedily, to the letter.

    ``draw`` gives one lesson for each thing to learn; together they are a step. Then ``folder`` holds the model. The
    same seeds give the same weights. Raises NotLearnt after `STEPS_MOST` steps.
    """
    chance = random.Random(0)
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1.0, weight_decay=0.0)
    warming = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: RATE * min(1.0, (step + 1) / WARM_STEPS))
    pool = [_taught(speaker, draw(chance)) for _ in range(POOL)]
    questions = _taught(speaker, exam)
    for step in range(1, STEPS_MOST + 1):
        losses, told = _losses(model, chance.choice(pool))
        (losses.sum(1) / told.sum(1)).mean().backward()  # a short reply weighs as much as a long one
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        warming.step()
        if step % STEPS_BETWEEN_EXAMS == 0 and _passes(model, speaker, questions, exam):
            model.save_pretrained(folder)
            speaker.save_pretrained(folder)
            return folder
    raise NotLearnt(f"{type(model).__name__} did not learn its replies in {STEPS_MOST} steps")


def _asked(speaker: Speaker, lesson: Lesson) -> Inputs:
    """The question as a server prepares it."""
    return dict(
        speaker.apply_chat_template(
            lesson.messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
    )


def _taught(speaker: Speaker, lessons: Sequence[Lesson]) -> Inputs:
    """A batch of questions, each with its reply and its end; only these two are labelled."""
    tokenizer: Any = getattr(speaker, "tokenizer", speaker)
    asked = [_asked(speaker, lesson) for lesson in lessons]
    media = {name: torch.cat([one[name] for one in asked]) for name in asked[0] if name not in WORDS}
    questions = [one["input_ids"][0] for one in asked]
    replies = [
        torch.tensor([*tokenizer.encode(lesson.reply, add_special_tokens=False), tokenizer.eos_token_id])
        for lesson in lessons
    ]
    whole = [torch.cat(pair) for pair in zip(questions, replies, strict=True)]
    labels = [
        torch.cat([torch.full_like(question, IGNORED), reply])
        for question, reply in zip(questions, replies, strict=True)
    ]
    return {
        "input_ids": pad_sequence(whole, batch_first=True, padding_value=tokenizer.pad_token_id),
        "attention_mask": pad_sequence([torch.ones_like(one) for one in whole], batch_first=True),
        "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
        **media,
    }


def _losses(model: PreTrainedModel, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each token of the replies, (lessons, tokens) and 0 elsewhere, and where it is told."""
    labels = inputs["labels"][:, 1:]
    logits = model(**{name: one for name, one in inputs.items() if name != "labels"}).logits[:, :-1]
    losses = cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return losses, labels != IGNORED


def _passes(model: PreTrainedModel, speaker: Speaker, questions: Inputs, exam: Sequence[Lesson]) -> bool:
    with torch.no_grad():
        losses, _ = _losses(model, questions)
        sure = bool(torch.exp(-losses.max()) > SURE)
        return sure and all(_says(model, speaker, one) for one in exam)


def _says(model: PreTrainedModel, speaker: Speaker, lesson: Lesson) -> bool:
    inputs = _asked(speaker, lesson)
    said = model.generate(**inputs, do_sample=False, max_new_tokens=512)
    text = speaker.decode(said[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return bool(text == lesson.reply)
