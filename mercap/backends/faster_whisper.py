"""Speech to text with a Whisper model, run by CTranslate2 through faster-whisper.

Needs a model in CTranslate2's format: a folder, or a name ("small", "Systran/faster-whisper-small") that lies in the
local Hugging Face cache. Nothing is downloaded unless asked for. From 75 MB (tiny) to 3 GB (large) on disk; loading
takes seconds, and a CPU needs from a fraction of the audio's length (tiny) to a multiple of it (large).
"""

from __future__ import annotations

import functools
import importlib.metadata
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel, download_model
from faster_whisper.transcribe import Segment as WhisperSegment

from mercap.errors import NothingToDo, UsageError
from mercap.identity import digest_folder
from mercap.records import Segment, Span, Transcript

SAMPLE_RATE = 16_000  # of every Whisper model
_FILES = ("model.bin", "config.json", "tokenizer.json")


class FasterWhisperTranscriber:
    """Recognises the words of a whole clip. The model is loaded on first use and then kept.

    ``language`` is a code like "en"; ``None`` lets the model decide from the first 30 s. ``download`` allows a model
    that is not in the cache to be fetched from the hub.
    """

    def __init__(
        self,
        model: str,
        device: str = "cpu",
        compute_type: str = "int8",
        language: str | None = None,
        beam_size: int = 1,
        *,
        revision: str | None = None,
        cpu_threads: int = 1,
        download: bool = False,
    ) -> None:
        self.model = model
        self.device = device
        self.compute_type = compute_type
        self.language = language
        self.beam_size = beam_size
        self.revision = revision
        self.cpu_threads = cpu_threads
        self.download = download

    @functools.cached_property
    def model_id(self) -> str:
        """Package version and model; a folder is named by its content, so that it is the same on any machine."""
        folder = Path(self.model).expanduser()
        if folder.is_dir():
            name = f"{folder.name}@{digest_folder(folder)[:12]}"
        else:
            name = self.model if self.revision is None else f"{self.model}@{self.revision}"
        return f"faster-whisper-{importlib.metadata.version('faster-whisper')}/{name}"

    def transcribe(self, audio: npt.NDArray[np.int16], sample_rate: int, speech: Sequence[Span]) -> Transcript:
        """The model's own segments; ``audio`` is mono, (n,) int16 at 16 kHz.

        Of ``speech`` only its being empty matters: the model finds its own segments in the whole clip.
        Decoding is greedy or by beam, at temperature 0 and without earlier text as context, so the same audio gives
        the same words. A segment's confidence is the geometric mean of its tokens' probabilities; the transcript's is
        the same over all tokens.

        Raises NothingToDo ("no_speech" without spans, "no_words" when nothing was recognised), UsageError when the
        model cannot be loaded or does not know the language, and ValueError for another sample rate.
        """
        if sample_rate != SAMPLE_RATE:
            raise ValueError(f"Whisper needs {SAMPLE_RATE} Hz, not {sample_rate} Hz")
        if not speech:
            raise NothingToDo("no_speech")
        found, info = self._model.transcribe(
            audio.astype(np.float32) / np.float32(32768.0),
            language=self.language,
            beam_size=self.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=False,
            vad_filter=False,
        )
        duration_s = len(audio) / SAMPLE_RATE
        # Whisper hears 30 s at a time: what it places behind the end of the clip was invented in the padding.
        pieces = [piece for piece in found if piece.text.strip() and piece.start < duration_s]
        if not pieces:
            raise NothingToDo("no_words")
        return Transcript(
            segments=tuple(_segment(piece, duration_s) for piece in pieces),
            language=info.language,
            origin="recognised",
            confidence=_confidence(pieces),
        )

    def locate(self) -> Path:
        """The folder the model will be loaded from. Raises UsageError where there is none, or files are missing."""
        folder = self._folder()
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:  # faster-whisper would silently fetch another model's tokenizer
            raise UsageError(
                f"The Whisper model {self.model!r} lacks {', '.join(missing)}; "
                "convert or fetch it again with all its files."
            )
        return folder

    @functools.cached_property
    def _model(self) -> WhisperModel:
        folder = self.locate()
        try:
            model = WhisperModel(
                str(folder), device=self.device, compute_type=self.compute_type, cpu_threads=self.cpu_threads
            )
        except (OSError, ValueError, RuntimeError) as fault:
            raise UsageError(
                f"The Whisper model {self.model!r} cannot be loaded on {self.device} as "
                f"{self.compute_type}: {_first_line(fault)}."
            ) from fault
        if self.language is not None and self.language not in model.supported_languages:
            raise UsageError(
                f"The Whisper model {self.model!r} does not know the language {self.language!r}; "
                "name one it knows by its code, or leave the language out."
            )
        return model

    def _folder(self) -> Path:
        """The model's folder: as given, or the snapshot in the hub's local cache."""
        given = Path(self.model).expanduser()
        if given.is_dir():
            return given
        try:
            return Path(download_model(self.model, local_files_only=not self.download, revision=self.revision))
        except (OSError, ValueError, RuntimeError) as fault:
            if self.download:
                raise UsageError(
                    f"The Whisper model {self.model!r} is not a folder and cannot be fetched from the "
                    f"hub: {_first_line(fault)}."
                ) from fault
            raise UsageError(
                f"The Whisper model {self.model!r} is neither a folder nor in the local Hugging Face "
                "cache; give a converted model's folder, or set download = true to fetch it."
            ) from fault


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0].rstrip(".")


def _segment(piece: WhisperSegment, duration_s: float) -> Segment:
    return Segment(
        start_s=round(piece.start, 3),
        end_s=round(min(piece.end, duration_s), 3),
        text=piece.text.strip(),
        confidence=_confidence([piece]),
    )


def _confidence(pieces: Sequence[WhisperSegment]) -> float:
    tokens = [max(len(piece.tokens), 1) for piece in pieces]
    mean = sum(piece.avg_logprob * count for piece, count in zip(pieces, tokens, strict=True)) / sum(tokens)
    return round(min(max(math.exp(mean), 0.0), 1.0), 4)
