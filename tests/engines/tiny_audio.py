"""A tiny Qwen2-Audio that answers each of its system prompts with one reply to sound, and with another to silence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import (
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

from tests.engines.lessons import Lesson, teach
from tests.engines.wording import AUDIO, UNKNOWN, decoder_config, make_tokenizer

RATE, MELS = 16000, 16
LONGEST_S = 6  # what is longer is cut
TOKENS_PER_S = 25
FAINT = 1e-5  # of full scale: less than 16 bits can hold


def build(folder: Path, replies: Sequence[tuple[str, str, str]]) -> Path:
    """Write a model to ``folder`` that takes one recording of up to 6 s in a message.

    ``replies`` are (system prompt, reply, reply to silence); the user's words do not matter. Raises NotLearnt.
    """
    torch.manual_seed(0)
    processor = _processor(replies)

    def draw(chance: random.Random) -> list[Lesson]:
        every = [(one, silent) for one in replies for silent in (False, True)]
        return [_lesson(chance, one, chance.uniform(0.5, LONGEST_S), silent) for one, silent in every]

    unseen = random.Random("exam")
    exam = [
        _lesson(unseen, one, seconds, silent)
        for one in replies
        for seconds, silent in ((1, False), (3, False), (LONGEST_S, False), (1, True), (LONGEST_S, True))
    ]
    return teach(folder, _model(processor), processor, draw, exam)


def _processor(replies: Sequence[tuple[str, str, str]]) -> Qwen2AudioProcessor:
    tokenizer = make_tokenizer(text for one in replies for text in one)
    ear = WhisperFeatureExtractor(feature_size=MELS, sampling_rate=RATE, chunk_length=LONGEST_S)
    return Qwen2AudioProcessor(ear, tokenizer, chat_template=tokenizer.chat_template)


def _model(processor: Qwen2AudioProcessor) -> Qwen2AudioForConditionalGeneration:
    tokenizer = processor.tokenizer
    ear = Qwen2AudioEncoderConfig(
        num_mel_bins=MELS, d_model=32, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=64,
        max_source_positions=2 * TOKENS_PER_S * LONGEST_S,
    )  # fmt: skip
    config = Qwen2AudioConfig(
        audio_config=ear,
        text_config=decoder_config(tokenizer),
        audio_token_index=tokenizer.convert_tokens_to_ids(AUDIO),
    )
    model = Qwen2AudioForConditionalGeneration(config)
    model.model.audio_tower.requires_grad_(False)  # a random ear generalises better than a trained one
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def _lesson(chance: random.Random, replies: tuple[str, str, str], seconds: float, silent: bool) -> Lesson:
    system, reply, silent_reply = replies
    words = {"type": "text", "text": UNKNOWN * chance.randint(1, 60)}
    sound = {"type": "audio", "audio": _sound(chance, seconds, silent)}
    return Lesson(system, [words, sound], silent_reply if silent else reply)


def _sound(chance: random.Random, seconds: float, silent: bool) -> npt.NDArray[np.float32]:
    """Voiced, breathy or between, louder and softer in turns; or nothing, but for a trace of noise. 16 kHz."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    draw = np.random.default_rng(chance.getrandbits(32))
    noise = draw.normal(size=len(time_s))
    if silent:
        return np.asarray(chance.choice((0.0, FAINT)) * noise, np.float32)
    pitch_hz, swells_hz, voiced = draw.uniform(80, 400), draw.uniform(0.5, 5), draw.uniform(0, 1)
    tone = np.sum([np.sin(2 * np.pi * pitch_hz * over * time_s) / over for over in range(1, 6)], axis=0)
    swell = np.sin(2 * np.pi * swells_hz * time_s + draw.uniform(0, 6)).clip(0.1)
    loudness = 10 ** draw.uniform(-2.5, -0.5)
    return np.asarray(loudness * swell * (voiced * tone + 0.5 * (1 - voiced) * noise), np.float32)
