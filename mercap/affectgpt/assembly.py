"""A model put together: a preset, the shapes of the features it will read, and a language model from its folder.

The language model's weights must be safetensors of an architecture that transformers has; code that comes with a model
is not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.features import FeatureStream
from mercap.affectgpt.model import AffectGPTForConditionalGeneration
from mercap.affectgpt.presets import PRESETS
from mercap.affectgpt.tokenizer import byte_tokenizer, check_tokenizer
from mercap.backends.snapshot import first_line
from mercap.errors import UsageError
from mercap.media.derived import whole_folder

_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")
_TINY_SEED = 0  # of the tiny language model's weights


def configure(
    preset: str, folder: Path, features: Mapping[str, FeatureStream], tokenizer: Any, **changes: Any
) -> AffectGPTConfig:
    """The preset's configuration for these features and the language model in ``folder``.

    How a text begins, ends and is padded is the preset's business where the preset's own language model is read, and
    the tokenizer's for any other. Placeholders move behind the tokenizer's last token where the preset's ids are taken.
    """
    config = preset_config(preset, features, **changes)
    found = _read_config(folder)
    own = (found.model_type, found.vocab_size) == (config.text_config.model_type, config.text_config.vocab_size)
    for name in _TOKENS:
        setattr(found, name, getattr(config.text_config if own else tokenizer, name))
    if found.pad_token_id is None:
        found.pad_token_id = found.eos_token_id
    config.text_config = found
    used = set(tokenizer.get_vocab().values())
    places = [f"{stream}_token_id" for stream in config.stream_order]
    if any(getattr(config, place) in used for place in places):
        for place, free in zip(places, range(max(used) + 1, max(used) + 1 + len(places)), strict=True):
            setattr(config, place, free)
    check_tokenizer(tokenizer, config)
    return config


def preset_config(preset: str, features: Mapping[str, FeatureStream], **changes: Any) -> AffectGPTConfig:
    """A preset that reads features of these shapes. Raises UsageError for an unknown preset."""
    if preset not in PRESETS:
        raise UsageError(f"There is no model preset {preset!r}; there are {', '.join(PRESETS)}.")
    shapes: dict[str, Any] = {}
    for stream, found in features.items():
        shapes |= {f"{stream}_steps": found.steps, f"{stream}_dim": found.dim}
        if stream == "face":
            shapes["face_step_tokens"] = found.step_tokens
    return PRESETS[preset](**(shapes | changes))


def assemble(
    config: AffectGPTConfig, folder: Path, *, seed: int = 0, half: bool = False
) -> AffectGPTForConditionalGeneration:
    """A new bridge, its weights drawn from ``seed``, before the language model in ``folder``, on the host.

    The bridge is in fp32; so is the language model, unless ``half`` asks for bf16, in which 7 B take 15 GB and not 30.
    Raises UsageError.
    """
    logging.disable_progress_bar()
    try:
        language_model = AutoModelForCausalLM.from_pretrained(
            folder, config=config.text_config, dtype=torch.bfloat16 if half else torch.float32,
            local_files_only=True, trust_remote_code=False, use_safetensors=True,
        )  # fmt: skip
    except Exception as fault:  # a damaged file may fail in any class
        raise UsageError(f"The language model in {folder} cannot be loaded: {first_line(fault)}.") from fault
    with drawn_from(seed):
        model = AffectGPTForConditionalGeneration.around(config, language_model)
    for name in _TOKENS:
        setattr(model.generation_config, name, getattr(config.text_config, name))
    return model


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """First weights made in here depend on ``seed`` alone, and nobody else's random numbers on them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def write_tiny_language_model(folder: Path) -> None:
    """A language model that was never trained, with a tokenizer of bytes: what the preset ``tiny`` stands on.

    For tests and demonstrations: it learns to spell the answers it is trained on, and knows nothing else. Several
    processes may write it at once.
    """
    logging.disable_progress_bar()
    with drawn_from(_TINY_SEED):
        model = AutoModelForCausalLM.from_config(PRESETS["tiny"]().text_config)
    with whole_folder(folder) as aside:
        model.save_pretrained(aside)
        byte_tokenizer().save_pretrained(aside)


def _read_config(folder: Path) -> Any:
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as fault:
        raise UsageError(f"{folder} has no configuration of a language model: {first_line(fault)}.") from fault
