"""The encoder of Whisper: its last states, averaged over each window of 2 s.

Whisper hears 30 s at a time, so each window is followed by silence, and only the states of the window itself are
averaged. That is 8 passes of 30 s per clip, whatever its length: the dearest encoder here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import WhisperFeatureExtractor

from mercap.affectgpt.encoders.frozen import FrozenEncoder
from mercap.affectgpt.encoders.options import EncoderOptions, model_identity
from mercap.affectgpt.encoders.sounds import check_rate, extractor_settings, loudness
from mercap.affectgpt.encoders.weights import find_weights, load_weights
from mercap.errors import UsageError
from mercap.media.sampling import Sample, Sampling

WINDOW_S = 2.0
_STRIDE = 2  # mel frames per state


class WhisperEncoder(FrozenEncoder):
    """8 windows -> 8 x 1280 for large-v3."""

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__(options)
        folder, _ = find_weights(options, "whisper")
        check_rate(extractor_settings(folder, str(options.source)), str(options.source))
        self.extractor = WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True)
        self.model = load_weights("WhisperModel", folder, options).encoder
        self._check_length()
        self.sampling = Sampling(pictures=0, windows=8, window_s=WINDOW_S)
        self.steps, self.dim = self.sampling.windows, int(self.model.config.d_model)
        mel = {"bands": self.extractor.feature_size, "hop": self.extractor.hop_length, "fft": self.extractor.n_fft}
        self.made_of = {**model_identity(str(options.source), folder), "layers": "last", "pool": "mean", **mel}
        self.freeze()

    def _check_length(self) -> None:
        heard, made = _STRIDE * self.model.config.max_source_positions, self.extractor.nb_max_frames
        if heard != made or self.extractor.chunk_length < WINDOW_S:
            raise UsageError(
                f"The model {self.options.source!r} hears {heard} frames, "
                f"but its preprocessor_config.json makes {made}; fetch it again, or another."
            )

    def forward(self, samples: Sequence[Sample]) -> torch.Tensor:
        windows = [window for sample in samples for window in loudness(sample.windows)]
        rate = self.extractor.sampling_rate
        mel = self.extractor(windows, sampling_rate=rate, padding="max_length", return_tensors="pt").input_features
        states = self.model(mel.to(self.device, self.dtype)).last_hidden_state
        real = -(-len(windows[0]) // (self.extractor.hop_length * _STRIDE))
        return states[:, :real].float().mean(dim=1).unflatten(0, (len(samples), self.steps))
