"""Builds a Whisper model of random weights in CTranslate2's format: tiny, offline, without torch.

Real loading and serving code runs on it; what it writes is noise. 1.3 MB and a tenth of a second.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH, HEADS, LAYERS, MELS = 32, 2, 2, 80
AUDIO_POSITIONS, TEXT_POSITIONS = 1500, 448

Array = npt.NDArray[np.float32]


def build_tiny_whisper(folder: Path, *, seed: int = 0, multilingual: bool = False) -> Path:
    """Write model.bin, config.json, vocabulary.json, tokenizer.json and preprocessor_config.json to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    text = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = special_tokens()
    if multilingual:
        text.append("")  # the token by which CTranslate2 knows a multilingual model
    tokens = text + special
    write_tokenizer(folder / "tokenizer.json", text, special)
    write_preprocessor(folder / "preprocessor_config.json")
    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    _Weights(seed).fill(spec, tokens)
    spec.register_vocabulary(tokens)
    _configure(spec.config, tokens)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    return folder


def special_tokens() -> list[str]:
    languages = [f"<|{code}|>" for code in _LANGUAGE_CODES[:99]]
    tasks = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    times = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    return ["<|endoftext|>", "<|startoftranscript|>", *languages, *tasks, *times]


def write_preprocessor(path: Path) -> None:
    sizes = {"feature_size": MELS, "sampling_rate": 16000, "hop_length": 160, "n_fft": 400, "chunk_length": 30}
    path.write_text(json.dumps(sizes))


def write_tokenizer(path: Path, text: list[str], special: list[str]) -> None:
    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(text)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.save(str(path))


def _configure(config: WhisperConfig, tokens: list[str]) -> None:
    config.suppress_ids = []
    config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    config.lang_ids = [tokens.index(f"<|{code}|>") for code in _LANGUAGE_CODES[:99]]
    config.alignment_heads = [(LAYERS - 1, head) for head in range(HEADS)]


def _eagerness(token: str) -> float:
    """How readily the model says a token: letters, times and the end; so that the noise is legible."""
    if token.startswith("<|"):
        return 1.0 if token[2].isdigit() or token == "<|endoftext|>" else 0.3
    return 1.0 if token == "Ġ" or (len(token) == 1 and token.isascii() and token.isalpha()) else 0.0


class _Weights:
    """Seeded weights for every variable of the model."""

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)

    def fill(self, spec: WhisperSpec, tokens: list[str]) -> None:
        encoder, decoder = spec.encoder, spec.decoder
        encoder.conv1.weight, encoder.conv1.bias = self._normal(WIDTH, MELS, 3), self._normal(WIDTH)
        encoder.conv2.weight, encoder.conv2.bias = self._normal(WIDTH, WIDTH, 3), self._normal(WIDTH)
        encoder.position_encodings.encodings = self._normal(AUDIO_POSITIONS, WIDTH)
        decoder.embeddings.weight = self._normal(len(tokens), WIDTH)
        decoder.position_encodings.encodings = self._normal(TEXT_POSITIONS, WIDTH)
        scale = np.array([_eagerness(token) for token in tokens], np.float32)[:, None]
        decoder.projection.weight = scale * self._normal(len(tokens), WIDTH, scale=1.0)
        for stack in (encoder, decoder):
            self._norm(stack.layer_norm)
            for layer in stack.layer:
                self._attention(layer.self_attention, [3 * WIDTH, WIDTH])
                self._norm(layer.ffn.layer_norm)
                self._linear(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
                self._linear(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
        for layer in decoder.layer:
            self._attention(layer.attention, [WIDTH, 2 * WIDTH, WIDTH])

    def _attention(self, spec: Any, widths: list[int]) -> None:
        self._norm(spec.layer_norm)
        for linear, width in zip(spec.linear, widths, strict=True):
            self._linear(linear, width, WIDTH)

    def _linear(self, spec: Any, rows: int, columns: int) -> None:
        spec.weight, spec.bias = self._normal(rows, columns), self._normal(rows)

    def _norm(self, spec: Any) -> None:
        spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def _normal(self, *shape: int, scale: float = 0.2) -> Array:
        return (scale * self._draw.standard_normal(shape)).astype(np.float32)
