"""Finding and loading the weights of an encoder: safetensors alone, architectures of transformers' own alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers

from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.backends.huggingface_folder import read_model_json
from mercap.backends.snapshot import find_model, first_line
from mercap.errors import UsageError

# What is fetched: no pickle, no code, and of repositories with several copies of their weights only the main one.
WANTED = ("config.json", "*processor_config.json", "model.safetensors", "model-*.safetensors",
          "model.safetensors.index.json")  # fmt: skip
_TRAINING_ONLY = "masked_spec_embed"  # what speech models put in place of masked sound; some checkpoints leave it out


def find_weights(options: EncoderOptions, *architectures: str) -> tuple[Path, dict[str, Any]]:
    """The model's folder and its configuration. ``architectures`` are the ``model_type`` that this encoder reads.

    Raises UsageError where there is no such model, it is another kind of model, or it has no safetensors.
    """
    named = str(options.source)
    kind, revision = f"{options.reads} encoder", options.revision
    try:
        folder = find_model(kind, named, revision=revision, download=options.download, files=WANTED)
    except UsageError as fault:  # it speaks of recipes; encoders are named on the command line
        raise UsageError(str(fault).replace("set download = true", "give --download")) from fault
    config = read_model_json(folder / "config.json", named)
    found = str(config.get("model_type"))
    if found not in architectures:
        raise UsageError(
            f"The model {named!r} is of type {found}, which the encoder {options.kind} does not read "
            f"(it reads {', '.join(architectures)}); name another model with --{options.reads}-model."
        )
    if not (folder / "model.safetensors").is_file() and not (folder / "model.safetensors.index.json").is_file():
        raise UsageError(
            f"The model {named!r} has no safetensors, and pickled weights are not opened here; convert it once with: "
            f"python -m mercap.affectgpt.encoders.convert {named} FOLDER, and give --{options.reads}-model FOLDER."
        )
    return folder, config


def load_weights(kind: str, folder: Path, options: EncoderOptions, unused: tuple[str, ...] = ()) -> Any:
    """A model of transformers' class ``kind``, with every weight it has from the folder.

    ``unused`` are beginnings of names that this encoder never reads, and a checkpoint may lack. Raises UsageError.
    """
    try:
        with _quiet():
            model, report = getattr(transformers, kind).from_pretrained(
                folder,
                dtype=getattr(torch, options.dtype),
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
    except Exception as fault:  # a wrong file may fail in any class it names
        raise UsageError(f"The model {options.source!r} cannot be loaded: {first_line(fault)}.") from fault
    lacking = (name for name in sorted(report["missing_keys"]) if not name.endswith(_TRAINING_ONLY))
    absent = next((name for name in lacking if not name.startswith(unused or ("\0",))), None)
    if absent or report.get("mismatched_keys"):  # transformers would draw them at random, and only warn
        what = absent or sorted(report["mismatched_keys"])[0]
        raise UsageError(f"The model {options.source!r} has no fitting weights for {what}; fetch it again, or another.")
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars and tables of the weights that are left out on purpose; what matters is in the report."""
    logs = transformers.utils.logging
    logs.disable_progress_bar()
    before = logs.get_verbosity()
    logs.set_verbosity_error()
    try:
        yield
    finally:
        logs.set_verbosity(before)
