"""What the tiny models share: a tokenizer that loses nothing it knows, a chat template, and a small decoder.

Words that are in no prompt and no reply are all the same unknown word. The template puts the user's words first, then
the system prompt, then pictures and sound: what a reply hangs on is near it, however much the user says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import MistralConfig, PreTrainedTokenizerFast

PIECE = r" ?\w+| ?[^\w\s]+|\s+"  # a word or a run of signs with the blank before it
PAD, UNKNOWN, END, USER, SYSTEM, ANSWER = "<|pad|>", "<|unknown|>", "<|end|>", "<|user|>", "<|system|>", "<|answer|>"
IMAGE = "<image>"
AUDIO, AUDIO_BEGINS, AUDIO_ENDS = "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"
SPECIAL = [PAD, UNKNOWN, END, USER, SYSTEM, ANSWER, IMAGE, AUDIO, AUDIO_BEGINS, AUDIO_ENDS]
LAYERS, WIDTH, HEADS = 2, 64, 4
POSITIONS_MOST = 8192

# A message's content is a string, or a list of parts.
_WORDS = (
    "{%- if message.content is string %}{{ message.content }}{% else %}{% for part in message.content -%}"
    "{%- if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endif -%}"
)
_MEDIA = (
    "{%- if message.content is not string %}{% for part in message.content -%}"
    f"{{%- if part.type == 'image' %}}{IMAGE}{{% elif part.type == 'audio' %}}{AUDIO_BEGINS}{AUDIO}{AUDIO_ENDS}"
    "{% endif %}{% endfor %}{% endif -%}"
)
TEMPLATE = (
    f"{{%- for message in messages if message.role != 'system' %}}{USER}{_WORDS}{{% endfor -%}}"
    f"{{%- for message in messages if message.role == 'system' %}}{SYSTEM}{_WORDS}{{% endfor -%}}"
    f"{{%- for message in messages %}}{_MEDIA}{{% endfor -%}}"
    f"{{%- if add_generation_prompt %}}{ANSWER}{{% endif -%}}"
)


def make_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Knows every piece of ``texts``; what it knows comes back from its numbers letter for letter."""
    pieces = sorted({piece for text in texts for piece in re.findall(PIECE, text)})
    vocabulary = {piece: number for number, piece in enumerate([*SPECIAL, *pieces])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        chat_template=TEMPLATE,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        additional_special_tokens=[token for token in SPECIAL if token not in (PAD, UNKNOWN, END)],
        clean_up_tokenization_spaces=False,
    )


def decoder_config(tokenizer: PreTrainedTokenizerFast, window: int | None = None) -> MistralConfig:
    """A decoder of some 0.1 M parameters; with ``window`` each layer looks so many tokens back and no further.

    Not Qwen2: its Auto class insists on a tokenizer of its own.
    """
    return MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        initializer_range=0.1,  # learns several times faster than from the usual 0.02
        max_position_embeddings=POSITIONS_MOST,
        sliding_window=window,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
