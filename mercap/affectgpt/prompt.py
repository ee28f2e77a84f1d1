"""From a clip's words to token ids: the prompt with its soft places, the question, and the answer to be learnt.

A prompt is a file of parts, one per line: ``[name] text`` (prompts/train). Parts stand in the prompt in the order of
the file, those of streams in the order of the model's ``stream_order``; streams that the model lacks are left out, and
so is ``subtitle`` where nothing is said.

What strangers wrote (subtitles, captions) is tokenised as plain text: it can spell a special token, not become one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from mercap.affectgpt.config import STREAMS, AffectGPTConfig
from mercap.affectgpt.example import Example, Target
from mercap.errors import UsageError
from prompts import Prompt

_PART = re.compile(r"^\[(\w+)\] ?(.*)$")
_QUESTIONS: tuple[Target, ...] = ("description", "labels")
_PARTS = {"before", "subtitle", "after", "named", *STREAMS, *_QUESTIONS}


class Row(NamedTuple):
    """Token ids of one clip. The last ``supervised`` of them are the answer with its end of text; 0: a prompt alone."""

    clip: str
    ids: list[int]
    supervised: int


class PromptWriter:
    """Writes the prompts of one model with one tokenizer, any fast tokenizer of transformers.

    Raises UsageError for a prompt file that does not fit the model, or a tokenizer that has no end of text.
    """

    def __init__(self, tokenizer: Any, config: AffectGPTConfig, prompt: Prompt) -> None:
        self.config = config
        self.prompt = prompt
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self._parts = _parts(prompt, config.stream_order)
        self._soft = {
            stream: [getattr(config, f"{stream}_token_id")] * getattr(config, f"{stream}_tokens")
            for stream in config.stream_order
        }
        if tokenizer.eos_token_id is None:
            raise UsageError("The tokenizer names no eos_token: an answer would have no end.")
        self.eos: int = tokenizer.eos_token_id
        bos = config.text_config.get_text_config().bos_token_id
        self._start: list[int] = [] if bos is None else [int(bos)]

    def question(self, clip: str, subtitle: str, target: Target) -> Row:
        """A prompt that waits for its answer: the same tokens that precede the answer in training."""
        ids = list(self._start)
        for name, text in self._parts:
            if name == "named" or (name in _QUESTIONS and name != target) or (name == "subtitle" and not subtitle):
                continue
            ids += self._part(name, text, subtitle)
        return Row(clip, ids, 0)

    def example(self, example: Example, target: Target) -> Row:
        """The prompt and its answer. Raises UsageError when the example has no such target."""
        answer = [*self._plain(self.answer(example, target)), self.eos]
        asked = self.question(example.clip, example.subtitle, target)
        return Row(example.clip, asked.ids + answer, len(answer))

    def answer(self, example: Example, target: Target) -> str:
        """The text that is to be learnt."""
        if target not in example.targets:
            raise UsageError(f"{example.name} has no {target} to be trained on.")
        if target == "labels":
            return dict(self._parts)["named"].replace("{labels}", ", ".join(example.labels))
        return str(example.description)

    def _part(self, name: str, text: str, subtitle: str) -> list[int]:
        before, slot, after = text.partition(f"{{{name}}}")
        if not slot:
            return self._fixed(text)
        if name == "subtitle":  # one piece of text, so that its first and last word are tokenised as in any sentence
            return self._plain(before + " ".join(subtitle.split()) + after)
        return [*self._fixed(before), *self._soft[name], *self._fixed(after)]

    def _fixed(self, text: str) -> list[int]:
        """Of the prompt's own words, which are the same for every clip."""
        if text not in self._known:
            self._known[text] = self._plain(text)
        return self._known[text]

    def _plain(self, text: str) -> list[int]:
        ids = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [int(one) for one in ids]


def _parts(prompt: Prompt, order: Sequence[str]) -> list[tuple[str, str]]:
    """The parts of a prompt file that a model with these streams uses."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(prompt.text.splitlines(), start=1):
        matched = _PART.match(line)
        if matched is None or matched[1] not in _PARTS:
            raise UsageError(f"{prompt.name}, line {number}: expected [name] text, name one of {_listed(_PARTS)}.")
        found.append((matched[1], matched[2]))
    names = [name for name, _ in found]
    if len(set(names)) < len(names) or not {"after", "named", *_QUESTIONS, *order} <= set(names):
        raise UsageError(f"{prompt.name} must have each of {_listed(_PARTS)} once.")
    for name, text in found:
        slot = "{labels}" if name == "named" else f"{{{name}}}"
        if name in (*order, "subtitle", "named") and text.count(slot) != 1:
            raise UsageError(f"{prompt.name}: the part {name!r} must have {slot} once.")
    texts, streams = dict(found), iter(order)
    kept = [name for name in names if name not in STREAMS or name in order]
    arranged = [next(streams) if name in order else name for name in kept]
    return [(name, texts[name]) for name in arranged]


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
