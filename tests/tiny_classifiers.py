"""Builds emotion classifiers of words, voices and faces in Hugging Face's format: real classes, tiny, offline.

Each is trained for a second on something simple, so that its answers can be right or wrong: words of joy against words
of anger, a low tone against a high one, red against blue.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers

LABELS = ("anger", "joy")
JOY = ("lovely", "happy", "glad", "sunny", "smiles", "delight")
ANGER = ("hate", "angry", "awful", "liar", "stop", "furious")
OTHER = ("i", "am", "so", "you", "this", "what", "a", "day", "and", "it")
RATE = 16_000
LOW_HZ, HIGH_HZ = 200.0, 2000.0
SIDE = 32
STEPS = 60

_NAMES: dict[str, Any] = {
    "id2label": dict(enumerate(LABELS)),
    "label2id": {label: number for number, label in enumerate(LABELS)},
}


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> npt.NDArray[np.int16]:
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(8_000.0 * np.sin(2 * np.pi * hertz * times), np.int16)


def picture(red: int, green: int, blue: int, height: int = 40, width: int = 30) -> npt.NDArray[np.uint8]:
    """One colour all over, in OpenCV's order: blue, green, red."""
    return np.full((height, width, 3), (blue, green, red), np.uint8)


def build_tiny_text(folder: Path, *, multi_label: bool = False, kind: str = "bert") -> Path:
    """Joyful or angry words. ``kind`` is "bert", or "roberta", whose places begin behind the padding's."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = getattr(transformers, "BertConfig" if kind == "bert" else "RobertaConfig")(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        max_position_embeddings=24,
        problem_type="multi_label_classification" if multi_label else None,
        **size,
        **_NAMES,
    )
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    draw = np.random.default_rng(0)

    def lesson() -> dict[str, Any]:
        """Four sentences of each class: two words that tell among others that do not."""
        telling = [list(draw.choice(words, 2)) for words in (ANGER, JOY) for _ in range(4)]
        said = [" ".join(draw.permutation([*words, *draw.choice(OTHER, 4)])) for words in telling]
        return dict(tokenizer(said, padding=True, return_tensors="pt"))

    _train(model, lesson, multi_label)
    return _save(folder, model, tokenizer)


def build_tiny_voice(folder: Path, *, kind: str = "wav2vec2") -> Path:
    """A low tone is anger, a high one joy. ``kind`` is "wav2vec2" or "hubert"."""
    torch.manual_seed(0)
    name = "Wav2Vec2Config" if kind == "wav2vec2" else "HubertConfig"
    config = getattr(transformers, name)(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16, 16, 16),
        conv_kernel=(10, 8, 4),
        conv_stride=(8, 8, 5),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=16,
        **_NAMES,
    )
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE, do_normalize=True)
    model = transformers.AutoModelForAudioClassification.from_config(config).eval()  # without masking
    draw = np.random.default_rng(0)

    def lesson() -> dict[str, Any]:
        bent = [hertz * draw.uniform(0.7, 1.3) for hertz in (LOW_HZ, HIGH_HZ) for _ in range(4)]
        waves = [tone(hertz, 0.5)[draw.integers(0, 80) :][:7_900] / np.float32(32768.0) for hertz in bent]
        return dict(extractor(waves, sampling_rate=RATE, return_tensors="pt"))

    _train(model, lesson)
    return _save(folder, model, extractor)


def build_tiny_face(folder: Path) -> Path:
    """A red picture is anger, a blue one joy."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=SIDE,
        patch_size=16,
        **_NAMES,
    )
    processor = transformers.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE})
    model = transformers.ViTForImageClassification(config)
    draw = np.random.default_rng(0)

    def lesson() -> dict[str, Any]:
        dark, light, green = draw.integers(0, 90, 8), draw.integers(150, 256, 8), draw.integers(0, 60, 8)
        red, blue = np.where(np.arange(8) < 4, (light, dark), (dark, light))
        seen = [picture(*colour)[:, :, ::-1].copy() for colour in zip(red, green, blue, strict=True)]
        return dict(processor(images=seen, return_tensors="pt"))

    _train(model, lesson)
    return _save(folder, model, processor)


def _tokenizer() -> Any:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *JOY, *ANGER, *OTHER]
    return transformers.BertTokenizer(vocab={word: number for number, word in enumerate(vocabulary)})


def _train(model: Any, lesson: Callable[[], dict[str, Any]], multi_label: bool = False) -> None:
    """Each lesson is four examples of the first class, then four of the second."""
    optimiser = torch.optim.Adam(model.parameters(), lr=0.005)
    truth = torch.tensor([0] * 4 + [1] * 4)
    wanted = torch.nn.functional.one_hot(truth, len(LABELS)).float()
    for _ in range(STEPS):
        optimiser.zero_grad()
        logits = model(**lesson()).logits
        if multi_label:
            torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted).backward()
        else:
            torch.nn.functional.cross_entropy(logits, truth).backward()
        optimiser.step()
    model.eval()


def _save(folder: Path, *parts: Any) -> Path:
    for part in parts:
        part.save_pretrained(folder)
    return folder
