"""Tokenizers: the one that came with a language model, or one of bytes, which needs no download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from mercap.affectgpt.config import AffectGPTConfig
from mercap.backends.snapshot import first_line
from mercap.errors import UsageError

SPECIAL = ("<pad>", "<start>", "<end>")


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte of UTF-8, after three special ones: any text, 259 ids, nothing to download."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: place for place, token in enumerate([*SPECIAL, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    pad, start, end = SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        bos_token=start,
        eos_token=end,
        clean_up_tokenization_spaces=False,
    )


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a language model in ``folder``. Raises UsageError."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as fault:  # a damaged file may fail in any way
        raise UsageError(f"{folder} has no tokenizer that can be read: {first_line(fault)}.") from fault


def check_tokenizer(tokenizer: Any, config: AffectGPTConfig) -> None:
    """That no token of the tokenizer has the id of a placeholder, and none lies outside the model's embeddings."""
    used = set(tokenizer.get_vocab().values())
    for stream in config.stream_order:
        place = getattr(config, f"{stream}_token_id")
        if place in used:
            token = tokenizer.convert_ids_to_tokens(place)
            raise UsageError(
                f"{stream}_token_id {place} is the tokenizer's {token!r}; choose an id that no token has, "
                f"such as {max(used) + 1}."
            )
    size = config.text_config.get_text_config().vocab_size
    if max(used) >= size:
        raise UsageError(f"The tokenizer has ids up to {max(used)}, the language model knows {size} tokens.")
