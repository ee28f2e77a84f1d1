"""HuBERT and WavLM: the mean of the last four hidden layers, averaged over each window of 2 s.

Loudness is normalised over the 8 windows of one clip together, never over a batch, where a loud clip would quieten its
neighbours. A clip costs 0.6 TFLOP in a large model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mercap.affectgpt.encoders.frozen import FrozenEncoder
from mercap.affectgpt.encoders.options import EncoderOptions, model_identity
from mercap.affectgpt.encoders.sounds import check_rate, extractor_settings, loudness
from mercap.affectgpt.encoders.weights import find_weights, load_weights
from mercap.media.sampling import Sample, Sampling

LAYERS = 4
WINDOW_S = 2.0
_CLASSES = {"hubert": "HubertModel", "wavlm": "WavLMModel"}
_EPSILON = 1e-7  # as transformers' extractor has it


class SpeechEncoder(FrozenEncoder):
    """8 windows -> 8 x 1024 for a large model."""

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__(options)
        folder, _ = find_weights(options, options.kind)
        settings = extractor_settings(folder, str(options.source))
        check_rate(settings, str(options.source))
        self.normalises = bool(settings.get("do_normalize", True))
        self.model = load_weights(_CLASSES[options.kind], folder, options)
        self.sampling = Sampling(pictures=0, windows=8, window_s=WINDOW_S)
        self.steps, self.dim = self.sampling.windows, int(self.model.config.hidden_size)
        weights = model_identity(str(options.source), folder)
        self.made_of = {**weights, "layers": f"last{LAYERS}", "pool": "mean",
                        "normalise": "clip" if self.normalises else "none"}  # fmt: skip
        self.freeze()

    def forward(self, samples: Sequence[Sample]) -> torch.Tensor:
        waves = np.concatenate([self.wave(sample) for sample in samples])
        heard = self.model(torch.from_numpy(waves).to(self.device, self.dtype), output_hidden_states=True)
        layers = torch.stack(heard.hidden_states[-LAYERS:]).float().mean(dim=(0, 2))
        return layers.unflatten(0, (len(samples), self.steps))

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """(windows, samples) of one clip."""
        wave = loudness(sample.windows)
        return normalised(wave) if self.normalises else wave


def normalised(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zero mean and unit variance over everything given, however many windows that is."""
    return np.asarray((wave - wave.mean()) / np.sqrt(wave.var() + _EPSILON), np.float32)
