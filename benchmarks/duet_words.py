"""What is said in Duet, and how it is asked: a tokenizer of whole words, a short prompt, examples."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from benchmarks.duet_features import Split
from benchmarks.generated.duet import LABELS
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.example import Example
from mercap.affectgpt.prompt import PromptWriter
from prompts import Prompt

SPECIAL = ("<pad>", "<start>", "<end>")
WORDS = ("look", "voice", "both", "words", "feeling", "answer", "describe")
SAID = ("we", "came", "here", "by", "the", "early", "train", "and", "left", "again", "before", "noon")
TEXT = """[before] look
[fused] both {fused}
[audio] voice {audio}
[face] look {face}
[subtitle] words {subtitle}
[description] describe
[labels] feeling
[after] answer
[named] {labels}
"""


def prompt_writer(config: AffectGPTConfig) -> PromptWriter:
    return PromptWriter(tokenizer(), config, Prompt("duet", TEXT, "duet"))


def examples(split: Split, seed: int) -> list[Example]:
    """Each clip with its word, and with a few words that say nothing."""
    rng = np.random.default_rng(seed)
    return [write_example(clip, label, rng) for clip, label in zip(split.clips, split.labels, strict=True)]


def write_example(clip: str, label: int, rng: np.random.Generator) -> Example:
    return Example(clip, clip, say(rng), None, (LABELS[label],))


def say(rng: np.random.Generator) -> str:
    return " ".join(rng.choice(SAID, rng.integers(2, 5)))


@functools.cache
def tokenizer() -> Any:
    """A token per word: the prompt is 12 to 18 tokens long, which is what a step costs."""
    vocabulary = {word: place for place, word in enumerate([*SPECIAL, *WORDS, *SAID, *LABELS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[0]))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    pad_token, start, end = SPECIAL
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=pad_token, bos_token=start, eos_token=end)
