"""The folder of a Hugging Face classifier: whether all its files are there, and what it calls its classes.

Read without transformers, so that a recipe can be checked in a second.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mercap.errors import UsageError

Reads = Literal["words", "voice", "face"]

WANTED = (
    "*.json",
    "*.safetensors",
    "*.txt",
    "*.model",
    "*.jinja",
)  # patterns of the files to fetch: no pickle, no code
_HEADS: dict[Reads, tuple[str, ...]] = {
    "words": ("ForSequenceClassification",),
    "voice": ("ForSequenceClassification", "ForAudioClassification"),  # what wav2vec2's and Whisper's are called
    "face": ("ForImageClassification",),
}
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_INDEX = "model.safetensors.index.json"


def check_classifier(folder: Path, model: str, reads: Reads) -> None:
    """Raises UsageError unless ``folder`` holds a classifier of words, voices or faces with safetensors weights."""
    config = _config(folder, model)
    read_labels(folder, model)
    built = config.get("architectures") or []
    if built and not str(built[0]).endswith(_HEADS[reads]):
        raise UsageError(f"The model {model!r} is a {built[0]}, which does not classify {reads}; name a classifier.")
    _need_one(folder, model, _TOKENIZERS if reads == "words" else _PROCESSORS)
    if not (folder / _INDEX).is_file():
        _need_weights(folder, model)
        return
    shards = set(read_model_json(folder / _INDEX, model).get("weight_map", {}).values())
    if lost := sorted(name for name in shards if not (folder / str(name)).is_file()):
        raise UsageError(f"The model {model!r} lacks {lost[0]}; fetch it again with all its files.")


def read_labels(folder: Path, model: str) -> tuple[str, ...]:
    """The classes in the order of the model's outputs. Raises UsageError where they are not named, or not apart."""
    named: Any = _config(folder, model).get("id2label")
    try:
        labels = tuple(str(named[number]) for number in sorted(named, key=int))
    except (TypeError, ValueError, KeyError):
        labels = ()
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise UsageError(
            f"The config.json of the model {model!r} does not name two or more different classes in id2label; "
            "take a model that was trained as a classifier."
        )
    return labels


def is_multi_label(folder: Path, model: str) -> bool:
    """Whether several classes may hold at once, as in GoEmotions."""
    return _config(folder, model).get("problem_type") == "multi_label_classification"


def _config(folder: Path, model: str) -> dict[str, Any]:
    return read_model_json(folder / "config.json", model)


def read_model_json(path: Path, model: str) -> dict[str, Any]:
    """A JSON file of a model's folder. Raises UsageError where it is missing or no JSON."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UsageError(f"The model {model!r} lacks {path.name}; fetch it again with all its files.") from None
    except ValueError:
        raise UsageError(f"The {path.name} of the model {model!r} is not valid JSON; fetch it again.") from None
    return value if isinstance(value, dict) else {}


def _need_one(folder: Path, model: str, names: Sequence[str]) -> None:
    if not any((folder / name).is_file() for name in names):
        raise UsageError(f"The model {model!r} has none of {', '.join(names)}; fetch it again with all its files.")


def _need_weights(folder: Path, model: str) -> None:
    """Pickled weights may run any code when they are loaded, and most models have others."""
    if (folder / "model.safetensors").is_file():
        return
    if any(folder.glob("pytorch_model*.bin*")):
        raise UsageError(
            f"The model {model!r} has its weights in a pickle (pytorch_model.bin), which is not loaded; take a "
            "revision with model.safetensors, or convert it with save_pretrained."
        )
    raise UsageError(f"The model {model!r} lacks model.safetensors; fetch it again with all its files.")
