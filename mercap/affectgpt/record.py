"""What a training run leaves beside its checkpoints, so that its model can be used and its origin told.

    run.json      preset, language model, encoders, prompt, data, options: everything that made the model
    model/        configuration, tokenizer and prompt, as transformers' Auto classes read them
    adapter/      the newest weights in peft's own format, for other people's tools

`load_trained` puts the model together again from these, the checkpoint asked for, and the language model's folder.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from mercap.affectgpt.assembly import assemble
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.lora import make_trainable, merge
from mercap.affectgpt.processor import AffectGPTProcessor, layout_of
from mercap.affectgpt.prompt import PromptWriter
from mercap.affectgpt.training.checkpoint import CHECKPOINTS, Checkpoint, find, load_weights
from mercap.affectgpt.training.identity import frozen_digest
from mercap.backends.snapshot import find_model, first_line
from mercap.errors import StoreError, UsageError
from mercap.files import write_json
from prompts import Prompt

RECORD, MODEL, ADAPTER, OWN_LANGUAGE_MODEL = "run.json", "model", "adapter", "language_model"


class LanguageModel(BaseModel):
    """``model`` is a repository, an absolute folder, or `OWN_LANGUAGE_MODEL`: the folder of that name in the run's.

    ``revision`` is the commit of a repository.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str
    revision: str | None = None


class Record(BaseModel):
    """The content of run.json. ``encoders`` are identities by stream, ``data`` and ``training`` are for the reader."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    preset: str
    language_model: LanguageModel
    prompt: str
    prompt_digest: str
    encoders: dict[str, dict[str, Any]]
    data: dict[str, Any]
    training: dict[str, Any]


class Trained(NamedTuple):
    """A model ready to answer: adapters merged, on its device. ``checkpoint`` says which weights these are."""

    model: Any
    tokenizer: Any
    writer: PromptWriter
    record: Record
    checkpoint: Checkpoint


def write_record(folder: Path, record: Record, config: AffectGPTConfig, tokenizer: Any, prompt: Prompt) -> None:
    """run.json and model/, at the beginning of a run; one that has a checkpoint keeps what it has."""
    if any((folder / CHECKPOINTS).glob("*.json")):
        return
    config.save_pretrained(folder / MODEL)
    AffectGPTProcessor(tokenizer, layout_of(config), prompt.text).save_pretrained(folder / MODEL)
    write_json(folder / RECORD, record.model_dump(mode="json"))


def read_record(folder: Path) -> Record:
    """Raises UsageError where ``folder`` is no run of `mercap train`."""
    try:
        return Record.model_validate_json((folder / RECORD).read_bytes())
    except OSError:
        raise UsageError(f"{folder} is not the folder of a training run: it has no {RECORD}.") from None
    except ValidationError as fault:
        raise StoreError(
            f"{folder / RECORD} is damaged, or of another version of mercap: {first_line(fault)}."
        ) from None


def export_adapter(folder: Path, model: Any) -> Path | None:
    """adapter/, in peft's format; None for a model without adapters, whose checkpoints are all there is."""
    if not hasattr(model, "peft_config"):
        return None
    with warnings.catch_warnings():
        # peft looks for the configuration of the language model alone, on the hub, and finds none.
        warnings.filterwarnings("ignore", "Could not find a config file", UserWarning)
        model.save_pretrained(folder / ADAPTER)
    return folder / ADAPTER


def load_trained(folder: Path, device: torch.device, *, step: int | None = None, download: bool = False) -> Trained:
    """The model of a run after ``step``, or as new as there is. Merged in fp32; the language model in bf16 on a GPU.

    Raises UsageError or StoreError naming what is missing, or what is not what it was when the run began.
    """
    record = read_record(folder)
    checkpoint = find(folder if step is None else folder / CHECKPOINTS / f"step-{step:09d}.safetensors")
    place = language_model_folder(folder, record.language_model, download=download)
    try:
        processor = AffectGPTProcessor.from_pretrained(folder / MODEL, local_files_only=True)
        config = AffectGPTConfig.from_pretrained(folder / MODEL, local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise StoreError(f"{folder / MODEL} cannot be read: {first_line(fault)}.") from fault
    model = make_trainable(assemble(config, place, half=device.type == "cuda"))
    if frozen_digest(model) != checkpoint.run["frozen"]:
        raise UsageError(
            f"The language model in {place} is not the one that {folder} was trained on ({record.language_model.model}"
            f" at {record.language_model.revision or 'an unknown revision'}): put that one there."
        )
    load_weights(model, checkpoint.path)
    merged = merge(model).to(device).eval()
    prompt = Prompt(record.prompt, processor.prompt, record.prompt_digest)
    return Trained(merged, processor.tokenizer, PromptWriter(processor.tokenizer, config, prompt), record, checkpoint)


def language_model_folder(folder: Path, wanted: LanguageModel, *, download: bool = False) -> Path:
    """Where the language model's files are. Raises UsageError."""
    if wanted.model == OWN_LANGUAGE_MODEL:
        return folder / OWN_LANGUAGE_MODEL
    return find_model("language model", wanted.model, revision=wanted.revision, download=download)
