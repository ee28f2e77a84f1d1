"""What can go wrong in the middle of a run, as a sentence that says what is kept and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mercap.affectgpt.training.options import TrainingOptions
from mercap.errors import ExitCode, MercapError


class TrainingFault(MercapError):
    """A run ended before its end, and its last checkpoint is whole: it can be gone on with, or begun from."""

    exit_code = ExitCode.INTERRUPTED


@contextmanager
def as_sentences(options: TrainingOptions, folder: Path) -> Iterator[None]:
    """Faults of the device and the disk as `TrainingFault`."""
    try:
        yield
    except torch.OutOfMemoryError as fault:
        lower = "pack_tokens" if options.pack_tokens is not None else "batch"
        raise TrainingFault(
            f"The device ran out of memory with {lower} {getattr(options, lower)}; the last checkpoint of {folder} is "
            f"whole: go on with it on a device with more memory, or begin another run from it (--from) with a lower "
            f"{lower} and a higher accumulate."
        ) from fault
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise TrainingFault(
            f"The disk of {folder} is full; its last checkpoint is whole: make room and give the same command again."
        ) from fault


def not_finite(what: str, step: int, kept: int | None) -> TrainingFault:
    """The loss or the gradient of ``step`` is no number; ``kept`` is the step of the last checkpoint."""
    held = "there is no checkpoint yet: begin" if kept is None else f"the checkpoint of step {kept} is whole: begin"
    whence = "" if kept is None else " from it (--from)"
    return TrainingFault(
        f"The {what} of step {step} is not a finite number, and {held} another run{whence} with a lower lr, "
        "or with clip_norm where it has none."
    )
