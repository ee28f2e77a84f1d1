"""Checkpoints: everything that a run is, in one safetensors file and one JSON file that vouches for it.

The tensors are what trains, both moments of Adam and its step counts. The JSON is written last: without it, or where
its digest does not fit, there is no checkpoint. Random numbers and the place in the data are functions of the step
(`mercap.affectgpt.training.order`), so the step says it all.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from mercap.affectgpt.training.optimizer import Named
from mercap.errors import StoreError, UsageError
from mercap.files import TEMPORARY, read_json, write_atomically, write_json
from mercap.identity import digest_file

CHECKPOINTS = "checkpoints"
FORMAT = 1
WEIGHT = "weight:"
_STATES = ("exp_avg", "exp_avg_sq", "step")  # AdamW's own names
_NAME = re.compile(r"^step-(\d{9})\.json$")


class Checkpoint(NamedTuple):
    """A whole checkpoint. ``run`` is what the run was made of, as it was given to `save`."""

    step: int
    path: Path
    sha256: str
    run: dict[str, Any]


class Torn(StoreError):
    """A checkpoint whose files are not both whole."""


def save(folder: Path, step: int, named: Named, optimizer: torch.optim.Optimizer, run: Mapping[str, Any]) -> Path:
    """Write the checkpoint of ``step``; whatever interrupts it, the ones before are untouched. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:09d}.safetensors"
    tensors = {name: value.detach().cpu().contiguous() for name, value in _tensors(named, optimizer).items()}
    write_atomically(path, lambda temporary: save_file(tensors, temporary, metadata={"format": "pt"}))
    about = {"format": FORMAT, "step": step, "bytes": path.stat().st_size, "sha256": digest_file(path), "run": run}
    write_json(path.with_suffix(".json"), about)
    return path


def prune(folder: Path, keep: int) -> None:
    """Leave the newest ``keep``, and nothing of saves that were cut off. For the one process that writes here."""
    if not folder.is_dir():
        return
    vouched = sorted(_steps(folder))
    for step in vouched[: max(0, len(vouched) - keep)]:
        (folder / f"step-{step:09d}.json").unlink(missing_ok=True)  # first: it vouches for the other
    left = {f"step-{step:09d}" for step in _steps(folder)}
    for path in folder.iterdir():
        orphan = path.suffix == ".safetensors" and path.stem not in left
        if path.name.startswith(TEMPORARY) or orphan:
            path.unlink(missing_ok=True)


def discard(torn: list[Path]) -> None:
    """Delete what `newest` passed over."""
    for path in torn:
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def newest(folder: Path) -> tuple[Checkpoint | None, list[Path]]:
    """The newest whole checkpoint, and the torn ones after it. Raises StoreError when all there are are torn."""
    torn: list[Path] = []
    for step in sorted(_steps(folder), reverse=True):
        path = folder / f"step-{step:09d}.safetensors"
        try:
            return read(path), torn
        except Torn:
            torn.append(path)
    if torn:
        raise StoreError(f"No checkpoint in {folder} is whole; delete the folder to begin the run anew.")
    return None, []


def read(path: Path) -> Checkpoint:
    """The checkpoint at ``path``, its bytes compared with its digest. Raises Torn."""
    about = path.with_suffix(".json")
    try:
        told = read_json(about)
        step, sha256, form, run = told["step"], told["sha256"], told["format"], told["run"]
        whole = path.stat().st_size == told["bytes"] and digest_file(path) == sha256
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise Torn(f"The checkpoint {path} cannot be read: it or {about.name} is missing or damaged.") from fault
    if form != FORMAT:
        raise UsageError(f"The checkpoint {path} has format {form}, this program reads format {FORMAT}.")
    if not whole:
        raise Torn(f"The checkpoint {path} is damaged: its bytes are not those that were written.")
    return Checkpoint(step, path, sha256, run)


def restore(checkpoint: Checkpoint, named: Named, optimizer: torch.optim.Optimizer) -> None:
    """Weights and moments of a checkpoint into a model and its optimizer. Raises UsageError where they do not fit."""
    tensors = _load(checkpoint.path)
    _copy_weights(tensors, named, checkpoint.path)
    for name, value in named:
        state = {}
        for key in _STATES:
            kept = tensors[f"{key}:{name}"]
            like = value if key != "step" else torch.empty((), device=_step_device(optimizer, value))
            # Into memory of torch's own: as a file lies in memory, kernels may add up in another order.
            state[key] = torch.empty_like(like, dtype=kept.dtype, requires_grad=False).copy_(kept)
        optimizer.state[value] = state


def load_weights(model: nn.Module, place: Path) -> Checkpoint:
    """The trained weights of a checkpoint file, or of the newest in a run's folder, into a model that trains alike.

    Raises UsageError or StoreError.
    """
    checkpoint = find(place)
    tensors = _load(checkpoint.path)
    names = {name.removeprefix(WEIGHT) for name in tensors if name.startswith(WEIGHT)}
    named = [(name, value) for name, value in model.named_parameters() if name in names or value.requires_grad]
    _copy_weights(tensors, named, checkpoint.path)
    return checkpoint


def find(place: Path) -> Checkpoint:
    """The checkpoint a person means by a file, a folder of checkpoints, or a run's folder."""
    if place.is_file():
        return read(place.with_suffix(".safetensors"))
    folder = place / CHECKPOINTS if (place / CHECKPOINTS).is_dir() else place
    found = newest(folder)[0] if folder.is_dir() else None
    if found is None:
        raise UsageError(f"There is no checkpoint at {place}: give a run's folder, or a .safetensors file in it.")
    return found


def check_run(checkpoint: Checkpoint, run: Mapping[str, Any]) -> None:
    """That a checkpoint is of this very run. Raises UsageError naming the first thing that is not the same."""
    for part, now in run.items():
        was = checkpoint.run.get(part)
        if part == "versions" or was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            field = next(name for name in sorted({*was, *now}) if was.get(name) != now.get(name))
            part, was, now = f"{part}.{field}", was.get(field), now.get(field)
        raise UsageError(
            f"{checkpoint.path.parent.parent} holds a run with another {part} ({_short(was)}, now {_short(now)}): "
            "give what it was begun with, or another folder."
        )


def _tensors(named: Named, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for name, value in named:
        found[f"{WEIGHT}{name}"] = value
        state = optimizer.state[value]
        found.update({f"{key}:{name}": state[key] for key in _STATES})
    return found


def _load(path: Path) -> dict[str, torch.Tensor]:
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (OSError, SafetensorError) as fault:
        raise Torn(f"The checkpoint {path} cannot be read.") from fault
    return tensors


def _copy_weights(tensors: Mapping[str, torch.Tensor], named: Named, path: Path) -> None:
    kept = {name.removeprefix(WEIGHT): value for name, value in tensors.items() if name.startswith(WEIGHT)}
    wanted = {name: tuple(value.shape) for name, value in named}
    if kept.keys() != wanted.keys():
        other = min(kept.keys() ^ wanted.keys())
        where = "has no" if other in wanted else "has, and the model does not train,"
        raise UsageError(f"The checkpoint {path} is of another model: it {where} {other!r}.")
    for name, shape in wanted.items():
        if tuple(kept[name].shape) != shape:
            raise UsageError(
                f"The checkpoint {path} is of another model: {name!r} is {tuple(kept[name].shape)} there, {shape} here."
            )
    with torch.no_grad():
        for name, value in named:
            value.copy_(kept[name])


def _step_device(optimizer: torch.optim.Optimizer, value: torch.Tensor) -> torch.device:
    """A fused optimizer counts where it computes, any other on the host."""
    return value.device if optimizer.param_groups[0].get("fused") else torch.device("cpu")


def _steps(folder: Path) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return [int(match[1]) for path in folder.iterdir() if (match := _NAME.match(path.name))]
    return []


def _short(value: Any) -> str:
    return f"{str(value)[:16]}..." if len(str(value)) > 40 else str(value)
