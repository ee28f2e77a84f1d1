"""Emotion classifiers of the Hugging Face hub as voters: of words, of a voice, of a face.

Needs the extra `train` (torch, transformers) and a model: a folder, or a repository in the local Hugging Face cache.
Weights must be safetensors and the architecture one of transformers' own; pickles and code that comes with a model are
refused, so that a model folder needs no trust.

What a model is given is prepared by its own tokenizer or processor. Of a text that does not fit into the model its
beginning is read; of a clip longer than the model's window, where it has one (Whisper 30 s, AST 10 s), its beginning is
heard.

Five seconds to load. On one core a base model takes 0.1 s per sentence (RoBERTa), a quarter of the audio's length
(wav2vec 2.0; a large one over half of it) and 0.5 s per picture (ViT): over 100 000 clips of 5 s with 10 pictures each
some 3, 30 and 140 core hours. Every worker holds its own copy, of 0.5 GB (base) to 1.5 GB (large).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from mercap.backends.huggingface_folder import WANTED, Reads, check_classifier, is_multi_label, read_labels
from mercap.backends.snapshot import find_model, first_line
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import UsageError

SHORTEST_S = 0.1  # the convolutions of wav2vec2 and its kin need 25 ms; a shorter sound is followed by silence
FACES_AT_ONCE = 16
_LONGEST = 1 << 20  # tokens, where nobody names a limit
_TRAINING_ONLY = "masked_spec_embed"  # what wav2vec2 puts in place of masked sound; some checkpoints leave it out
_CLASSES: dict[Reads, tuple[str, str]] = {
    "words": ("AutoModelForSequenceClassification", "AutoTokenizer"),
    "voice": ("AutoModelForAudioClassification", "AutoFeatureExtractor"),
    "face": ("AutoModelForImageClassification", "AutoImageProcessor"),
}


class HuggingFaceClassifier:
    """Answers with a probability for each of the model's own classes. The model is loaded on first use and then kept.

    ``model`` is a folder or the name of a repository; ``reads`` says what it classifies. Probabilities sum to 1: the
    softmax of the logits, or, for a model trained to see several classes at once, their sigmoids over the sum of those.
    """

    def __init__(
        self, model: str, reads: Reads, *, revision: str | None = None, device: str = "cpu", download: bool = False
    ) -> None:
        self.model = model
        self.reads = reads
        self.revision = revision
        self.device = device
        self.download = download

    def locate(self) -> Path:
        """The folder the model will be loaded from. Raises UsageError where there is none, or it cannot be used."""
        folder = find_model("model", self.model, revision=self.revision, download=self.download, files=WANTED)
        check_classifier(folder, self.model, self.reads)
        return folder

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """The classes in the order of the model's outputs, read without loading it. Raises UsageError."""
        return read_labels(self.locate(), self.model)

    def of_words(self, text: str) -> dict[str, float]:
        """Class -> probability of a text. Raises UsageError when the model cannot be loaded."""
        assert self.reads == "words", self.reads
        model, tokenizer = self._loaded
        tokens = tokenizer(text, truncation=True, max_length=_longest(model, tokenizer), return_tensors="pt")
        return self._answer([dict(tokens)])

    def of_voice(self, audio: NDArray[np.int16], sample_rate: int) -> dict[str, float]:
        """Class -> probability of mono audio, (n,) int16 at any rate.

        Raises UsageError when the model cannot be loaded, ValueError for no audio at all.
        """
        assert self.reads == "voice", self.reads
        if not len(audio):
            raise ValueError("there is no audio to classify")
        _, extractor = self._loaded
        rate = extractor.sampling_rate
        sound = _resampled(audio, sample_rate, rate)
        sound = np.pad(sound, (0, max(round(SHORTEST_S * rate) - len(sound), 0)))
        return self._answer([dict(extractor(sound, sampling_rate=rate, return_tensors="pt"))])

    def of_face(self, frames: Sequence[NDArray[np.uint8]]) -> dict[str, float]:
        """Class -> mean probability over pictures of a face, each (height, width, 3) uint8 in the order BGR.

        Raises UsageError when the model cannot be loaded, ValueError for no pictures.
        """
        assert self.reads == "face", self.reads
        if not frames:
            raise ValueError("there are no pictures to classify")
        import torch

        _, processor = self._loaded
        pixels = [
            processor(images=frame[:, :, ::-1].copy(), input_data_format="channels_last", return_tensors="pt")[
                "pixel_values"
            ]
            for frame in frames
        ]
        batches = [pixels[start : start + FACES_AT_ONCE] for start in range(0, len(pixels), FACES_AT_ONCE)]
        return self._answer([{"pixel_values": torch.cat(batch)} for batch in batches])

    def _answer(self, batches: list[dict[str, Any]]) -> dict[str, float]:
        """Mean probabilities over all rows of all batches of inputs."""
        import torch

        model, _ = self._loaded
        with torch.inference_mode():
            logits = torch.cat(
                [model(**{name: value.to(self.device) for name, value in batch.items()}).logits for batch in batches]
            ).double()
            shares = torch.sigmoid(logits) if self._multi_label else torch.softmax(logits, -1)
            mean = (shares / shares.sum(-1, keepdim=True)).mean(0)
        return dict(zip(self.labels, mean.tolist(), strict=True))

    @functools.cached_property
    def _multi_label(self) -> bool:
        return is_multi_label(self.locate(), self.model)

    @functools.cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The model, and what prepares its inputs."""
        folder = str(self.locate())
        try:
            model, prepare, absent = _load(folder, self.reads, self.device)
        except Exception as fault:  # a wrong file may fail in any class it names
            raise UsageError(
                f"The model {self.model!r} cannot be loaded on {self.device}: {first_line(fault)}."
            ) from fault
        if absent:  # transformers would draw them at random, and only warn
            raise UsageError(
                f"The model {self.model!r} has no weights for {absent[0]}: it was not trained, or not saved, "
                f"as a classifier of {self.reads}; take another one."
            )
        return model, prepare


def _load(folder: str, reads: Reads, device: str) -> tuple[Any, Any, list[str]]:
    """The model, what prepares its inputs, and the weights that the file lacks."""
    repair_torchaudio()
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    head, preparer = (getattr(transformers, name) for name in _CLASSES[reads])
    local = {"local_files_only": True, "trust_remote_code": False}
    # Pictures are prepared with Pillow wherever they are: torchvision's resampling differs a little.
    prepare = preparer.from_pretrained(folder, **local, **({"backend": "pil"} if reads == "face" else {}))
    model, report = head.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **local
    )
    if device == "cpu":
        torch.set_num_threads(1)  # clips run side by side in workers of their own
    absent = sorted(name for name in report["missing_keys"] if not name.endswith(_TRAINING_ONLY))
    return model.eval().to(device), prepare, absent


def _longest(model: Any, tokenizer: Any) -> int:
    """How many tokens the model reads. Not every tokenizer knows; RoBERTa's kin lose the places up to the padding's."""
    places = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    tables = (part for name, part in model.named_modules() if name.endswith("position_embeddings"))
    padding = next((table.padding_idx for table in tables if getattr(table, "padding_idx", None) is not None), -1)
    return int(min(tokenizer.model_max_length, places - padding - 1, _LONGEST))


def _resampled(audio: NDArray[np.int16], rate: int, wanted: int) -> NDArray[np.float32]:
    """Samples of -1 to 1 at the wanted rate."""
    if rate == wanted:
        return audio.astype(np.float32) / np.float32(32768.0)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio[None]), format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="flt", layout="mono", rate=wanted)
    pieces = [piece.to_ndarray().reshape(-1) for piece in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(pieces).astype(np.float32)
