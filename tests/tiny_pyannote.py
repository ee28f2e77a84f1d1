"""Builds a pyannote speaker-diarization pipeline that tells two tones apart: real classes, tiny, offline.

The segmentation model learns, in seconds, that a low tone is one speaker, a high tone another and silence nobody. The
embedding model keeps its random weights, under which two tones are far apart anyway. The PLDA changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

RATE = 16_000
TONES_HZ = (220.0, 1760.0)
WINDOW_S = 2.0
STEPS = 30
DIMENSION = 64
NAME = "pyannote.audio.pipelines.SpeakerDiarization"

Audio = npt.NDArray[np.int16]


def tone(speaker: int, seconds: float, level: float = 8_000.0) -> Audio:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(level * np.sin(2 * np.pi * TONES_HZ[speaker] * times), np.int16)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE), np.int16)


def build_tiny_pipeline(folder: Path, *, clustering: str = "AgglomerativeClustering") -> Path:
    """Write config.yaml, segmentation/, embedding/ and plda/ to ``folder``, laid out as in community-1."""
    torch.manual_seed(0)
    _save(_trained_segmentation(), folder / "segmentation")
    _save(_embedding(), folder / "embedding")
    _write_plda(folder / "plda")
    write_config(folder, clustering)
    return folder


def write_config(folder: Path, clustering: str) -> None:
    values: dict[str, Any] = {
        "AgglomerativeClustering": {"method": "centroid", "min_cluster_size": 1, "threshold": 0.2},
        "VBxClustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
    }
    config = {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": NAME,
            "params": {
                "clustering": clustering,
                "segmentation": "$model/segmentation",
                "embedding": "$model/embedding",
                "embedding_exclude_overlap": True,
                "plda": "$model/plda",
            },
        },
        "params": {"clustering": values[clustering], "segmentation": {"min_duration_off": 0.0}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def _trained_segmentation() -> Any:
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    model = PyanNet(lstm={"hidden_size": 16, "num_layers": 1}, linear={"hidden_size": 16, "num_layers": 1})
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=WINDOW_S,
        classes=["one", "two"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    model.setup()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = np.random.default_rng(0)
    for _ in range(STEPS):
        waveforms, truth = _lesson(draw, model.num_frames(round(WINDOW_S * RATE)))
        optimiser.zero_grad()
        torch.nn.functional.nll_loss(model(waveforms).flatten(0, 1), truth.flatten()).backward()
        optimiser.step()
    return model.eval()


def _lesson(draw: np.random.Generator, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Four windows of quarters that are silent (0), low (1) or high (2), and the class of each frame."""
    waveforms, truth = [], []
    for _ in range(4):
        said = draw.integers(0, 3, 4)
        pieces = [silence(WINDOW_S / 4) if who == 0 else tone(who - 1, WINDOW_S / 4) for who in said]
        waveforms.append(torch.from_numpy(np.concatenate(pieces).astype(np.float32) / 32768.0)[None])
        truth.append(torch.from_numpy(said[np.arange(frames) * 4 // frames]))
    return torch.stack(waveforms), torch.stack(truth)


def _embedding() -> Any:
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC

    model = XVectorMFCC(mfcc={"melkwargs": {"n_mels": 40}}, dimension=DIMENSION)
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=WINDOW_S
    )
    model.setup()
    return model.eval()


def _save(model: Any, folder: Path) -> None:
    """As pyannote's own training does it, so that the file holds the same classes."""
    import lightning

    folder.mkdir(parents=True)
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(folder / "pytorch_model.bin")


def _write_plda(folder: Path) -> None:
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    unit = np.eye(DIMENSION)
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(DIMENSION), mean2=np.zeros(DIMENSION), lda=unit)
    np.savez(folder / "plda.npz", mu=np.zeros(DIMENSION), tr=unit, psi=np.sort(draw.uniform(0.5, 5.0, DIMENSION))[::-1])
