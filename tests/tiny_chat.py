"""Builds a chat model of random weights in Hugging Face's format: tiny, offline, a second or two.

Real loading and serving code runs on it; what it says is noise, unless a schema holds it. A token is a byte, so the
length of a prompt in tokens is known: `prompt_tokens`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

WINDOW = 256  # tokens
PAD, END = "<|pad|>", "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' }}{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build_tiny_chat(folder: Path, *, seed: int = 0) -> Path:
    """Write config, weights, tokenizer and chat template to ``folder``."""
    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=2,  # of 64: engines have no kernels for very small ones
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        initializer_range=0.5,  # far from uniform, so that different prompts get different answers
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def prompt_tokens(*texts: str) -> int:
    """Tokens of a prompt with ``texts`` as its messages."""
    return sum(len(text.encode()) + 1 for text in texts) + 1


def _tokenizer() -> PreTrainedTokenizerFast:
    tokens = [PAD, END, *ROLES.values(), *sorted(pre_tokenizers.ByteLevel.alphabet())]
    inner = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        chat_template=TEMPLATE,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES.values()),
    )
