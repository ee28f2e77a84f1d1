"""Builds a Whisper model that says "low mid high" of any sound and looks where each of these tones is.

Its weights are written by hand: the encoder's first channels are the loudness of three tones and of their absence, the
decoder names each next word by the one before, and its only attention goes from a word to its tone. So the right times
of the words are known, whatever is heard. In CTranslate2's format, without torch, in a tenth of a second.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import pre_tokenizers

from tests.tiny_whisper import MELS, special_tokens, write_preprocessor, write_tokenizer

WORDS = ("low", "mid", "high")
TONES_HZ = (300.0, 1200.0, 3600.0)
RATE = 16_000
WIDTH = 32
SILENCE = len(WORDS)  # the channel of no tone
FIRM = 30.0  # logits of what comes next; anything else has 0

Array = npt.NDArray[np.float32]


def spoken(words: dict[str, tuple[float, float]], seconds: float) -> npt.NDArray[np.int16]:
    """Each word's tone from its first to its second time, silence elsewhere."""
    audio = np.zeros(round(seconds * RATE))
    for word, (start_s, end_s) in words.items():
        inside = slice(round(start_s * RATE), round(end_s * RATE))
        times = np.arange(len(audio))[inside] / RATE
        audio[inside] = 8_000.0 * np.sin(2 * np.pi * TONES_HZ[WORDS.index(word)] * times)
    return audio.astype(np.int16)


def build_telling_whisper(folder: Path, *, first_s: float, last_s: float) -> Path:
    """The model puts its words between the times ``first_s`` and ``last_s`` of each window, in steps of 20 ms."""
    folder.mkdir(parents=True, exist_ok=True)
    text = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(f"Ġ{word}" for word in WORDS)]
    tokens = [*text, *special_tokens()]
    write_tokenizer(folder / "tokenizer.json", text, special_tokens())
    write_preprocessor(folder / "preprocessor_config.json")
    spec = WhisperSpec(1, 1, 1, 1)
    _silence(spec)
    _listen(spec.encoder)
    _tell(spec.decoder, tokens, [f"<|{time_s:.2f}|>" for time_s in (first_s, last_s, last_s + 0.02)])
    spec.register_vocabulary(tokens)
    _configure(spec.config, tokens)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    return folder


def _configure(config: WhisperConfig, tokens: list[str]) -> None:
    config.suppress_ids = []
    config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    config.lang_ids = [tokens.index(f"<|{code}|>") for code in _LANGUAGE_CODES[:99]]
    config.alignment_heads = [(0, 0)]


def _silence(spec: WhisperSpec) -> None:
    """Every layer passes on what it gets, and adds nothing."""
    encoder, decoder = spec.encoder, spec.decoder
    encoder.position_encodings.encodings = _zeros(1500, WIDTH)
    decoder.position_encodings.encodings = _zeros(448, WIDTH)
    for stack in (encoder, decoder):
        _norm(stack.layer_norm)
        for layer in stack.layer:
            _attention(layer.self_attention, 3 * WIDTH, WIDTH)
            _norm(layer.ffn.layer_norm)
            layer.ffn.linear_0.weight, layer.ffn.linear_0.bias = _zeros(4 * WIDTH, WIDTH), _zeros(4 * WIDTH)
            layer.ffn.linear_1.weight, layer.ffn.linear_1.bias = _zeros(WIDTH, 4 * WIDTH), _zeros(WIDTH)
    for layer in decoder.layer:
        _attention(layer.attention, WIDTH, 2 * WIDTH, WIDTH)


def _listen(encoder: Any) -> None:
    """Channels 0 to 2 of a frame are tones, channel 3 is silence; a silent mel band is -0.75, a loud one above 1."""
    encoder.conv1.weight, encoder.conv1.bias = _zeros(WIDTH, MELS, 3), _zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _zeros(WIDTH, WIDTH, 3), _zeros(WIDTH)
    for channel, hertz in enumerate(TONES_HZ):
        encoder.conv1.weight[channel, _band(hertz), 1] = 4.0
        encoder.conv1.bias[channel] = -2.0
        encoder.conv1.weight[SILENCE, _band(hertz), 1] = -2.0
    encoder.conv1.bias[SILENCE] = -2.0
    encoder.conv2.weight[range(SILENCE + 1), range(SILENCE + 1), 1] = 1.0


def _tell(decoder: Any, tokens: list[str], times: list[str]) -> None:
    """Each token of the chain has a channel, by which its successor and what it looks at are known.

    Two times in a row end a segment, in Whisper's grammar.
    """
    first, *last = times
    chain = ["<|startoftranscript|>", first, *(f"Ġ{word}" for word in WORDS), *last, "<|endoftext|>"]
    bare = "<|notimestamps|>"  # what stands before the words when they are aligned
    channels = {token: 8 + place for place, token in enumerate([*chain, bare])}
    decoder.embeddings.weight, decoder.projection.weight = _zeros(len(tokens), WIDTH), _zeros(len(tokens), WIDTH)
    for token, channel in channels.items():
        decoder.embeddings.weight[tokens.index(token), channel] = 1.0
    for before, after in [*itertools.pairwise(chain), (bare, "Ġlow")]:
        decoder.projection.weight[tokens.index(after), channels[before]] = FIRM
    query, keys_and_values, _ = decoder.layer[0].attention.linear
    for before, looks_at in zip((bare, *(f"Ġ{word}" for word in WORDS)), range(SILENCE + 1), strict=True):
        query.weight[looks_at, channels[before]] = 2.0
    keys_and_values.weight[:WIDTH] = np.eye(WIDTH, dtype=np.float32)


def _band(hertz: float) -> int:
    """The mel band in which a tone is loudest."""
    times = np.arange(RATE) / RATE
    features = FeatureExtractor()(np.sin(2 * np.pi * hertz * times).astype(np.float32))
    return int(features[:, 20:80].mean(1).argmax())


def _attention(spec: Any, *widths: int) -> None:
    _norm(spec.layer_norm)
    for linear, width in zip(spec.linear, widths, strict=True):
        linear.weight, linear.bias = _zeros(width, WIDTH), _zeros(width)


def _norm(spec: Any) -> None:
    spec.gamma, spec.beta = np.ones(WIDTH, np.float32), _zeros(WIDTH)


def _zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)
