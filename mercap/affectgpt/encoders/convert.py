"""Rewrite pickled weights as safetensors, once: ``python -m mercap.affectgpt.encoders.convert MODEL FOLDER``.

Some encoders are published as pytorch_model.bin alone, which `mercap features` does not open. Here, at a person's word,
it is read by torch's restricted unpickler, which builds tensors and refuses everything else. Add ``--download`` to
fetch MODEL from the hub.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from mercap.backends.snapshot import find_model, first_line
from mercap.errors import MercapError, MissingExtra, UsageError

PICKLE = "pytorch_model.bin"
_FILES = ("config.json", "*processor_config.json")


def convert(model: str, folder: Path, *, revision: str = "main", download: bool = False) -> Path:
    """``folder`` gets config, preprocessor and model.safetensors. Raises UsageError."""
    source = find_model("encoder", model, revision=revision, download=download, files=(PICKLE, *_FILES))
    if not (source / PICKLE).is_file():
        raise UsageError(f"The model {model!r} has no {PICKLE}, so there is nothing to convert.")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder.")
    weights = _weights(source / PICKLE)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(path for pattern in _FILES for path in source.glob(pattern)):
        shutil.copyfile(path, folder / path.name)
    _save(weights, folder / "model.safetensors")
    return folder


def _weights(path: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError as fault:
        raise MissingExtra("converter of weights", "uv pip install -e '.[train]'") from fault
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:  # whatever the restricted unpickler objects to
        raise UsageError(f"{path.name} holds more than weights, and is not opened: {first_line(fault)}.") from fault
    if not isinstance(found, dict) or not all(isinstance(one, torch.Tensor) for one in found.values()):
        raise UsageError(f"{path.name} is no table of weights.")
    return found


def _save(weights: dict[str, Any], path: Path) -> None:
    from safetensors.torch import save_file

    apart = {name: tensor.clone().contiguous() for name, tensor in weights.items()}  # shared memory is not allowed
    save_file(apart, path, metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mercap.affectgpt.encoders.convert", description=__doc__)
    parser.add_argument("model", help="repository on the hub, or a folder")
    parser.add_argument("folder", type=Path, help="new folder")
    parser.add_argument("--revision", default="main")
    parser.add_argument("--download", action="store_true", help="fetch from the hub what is not in the local cache")
    given = parser.parse_args()
    try:
        made = convert(given.model, given.folder, revision=given.revision, download=given.download)
    except MercapError as error:
        sys.exit(f"mercap: {error}")
    sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main()
