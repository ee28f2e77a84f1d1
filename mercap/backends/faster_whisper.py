"""Speech to text with a Whisper model, run by CTranslate2 through faster-whisper.

Needs a model in CTranslate2's format: a folder, or a name ("small", "Systran/faster-whisper-small") that lies in the
local Hugging Face cache. Nothing is downloaded unless asked for. From 75 MB (tiny) to 3 GB (large) on disk; loading
takes seconds, and a CPU needs from a fraction of the audio's length (tiny) to a multiple of it (large).
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper import BatchedInferencePipeline, WhisperModel, download_model

from mercap.backends.snapshot import first_line
from mercap.backends.speech_windows import heard, window_end_s, windows
from mercap.backends.whisper_pieces import Piece, confidence, real, segment
from mercap.errors import NothingToDo, UsageError
from mercap.identity import digest_folder
from mercap.records import Span, Transcript

SAMPLE_RATE = 16_000  # of every Whisper model
FRAMES_PER_S = 100  # of its features; a piece's `seek` counts in them
_FILES = ("model.bin", "config.json", "tokenizer.json")


class FasterWhisperTranscriber:
    """Recognises the words of a whole clip. The model is loaded on first use and then kept.

    ``language`` is a code like "en"; ``None`` lets the model decide from the first 30 s. ``download`` allows a model
    that is not in the cache to be fetched from the hub. ``word_times`` adds the times of single words, by an alignment
    that costs about a tenth more. ``vad_filter`` leaves out what faster-whisper's own Silero VAD does not hear as
    speech. A ``batch_size`` above 1 decodes that many windows of up to 30 s of one clip together, which is faster on a
    GPU and only for clips longer than 30 s; windows then begin and end with speech, and know nothing of each other.
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
        batch_size: int = 1,
        vad_filter: bool = False,
        word_times: bool = False,
        download: bool = False,
    ) -> None:
        self.model = model
        self.device = device
        self.compute_type = compute_type
        self.language = language
        self.beam_size = beam_size
        self.revision = revision
        self.cpu_threads = cpu_threads
        self.batch_size = batch_size
        self.vad_filter = vad_filter
        self.word_times = word_times
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

        Of ``speech`` only its being empty matters, except in batches: the model finds its own segments in a whole clip.
        Decoding is greedy or by beam, at temperature 0 and without earlier text as context, so the same audio gives
        the same words. A segment's confidence is the geometric mean of its tokens' probabilities (in batches: of its
        window's); the transcript's is the same over all tokens; a word's is the mean of its tokens' probabilities.

        Raises NothingToDo ("no_speech" without spans, "no_words" when nothing was recognised), UsageError when the
        model cannot be loaded or does not know the language, and ValueError for another sample rate.
        """
        if sample_rate != SAMPLE_RATE:
            raise ValueError(f"Whisper needs {SAMPLE_RATE} Hz, not {sample_rate} Hz")
        if not speech:
            raise NothingToDo("no_speech")
        pieces, language = self._decode(audio.astype(np.float32) / np.float32(32768.0), speech)
        if not pieces:
            raise NothingToDo("no_words")
        return Transcript(
            segments=tuple(map(segment, pieces)),
            language=language,
            origin="recognised",
            confidence=confidence(pieces),
        )

    def _decode(self, audio: npt.NDArray[np.float32], speech: Sequence[Span]) -> tuple[list[Piece], str | None]:
        """The pieces of text, and the language."""
        options = {
            "language": self.language,
            "beam_size": self.beam_size,
            "temperature": 0.0,
            "condition_on_previous_text": False,
            "word_timestamps": self.word_times,
        }
        if self.batch_size > 1:
            return self._decode_in_batches(audio, heard(audio) if self.vad_filter else speech, options)
        found, info = self._model.transcribe(audio, vad_filter=self.vad_filter, **options)
        return real(Piece(piece, len(audio) / SAMPLE_RATE) for piece in found), info.language

    def _decode_in_batches(
        self, audio: npt.NDArray[np.float32], speech: Sequence[Span], options: dict[str, Any]
    ) -> tuple[list[Piece], str | None]:
        places = windows(speech, len(audio) / SAMPLE_RATE)
        if not places:
            return [], self.language
        # Anew for each clip, for it remembers where the last one ended; it holds nothing but the model.
        found, info = BatchedInferencePipeline(self._model).transcribe(
            audio,
            batch_size=self.batch_size,
            clip_timestamps=[{"start": place.start_s, "end": place.end_s} for place in places],
            without_timestamps=False,  # as without batches: the model's own segments, not whole windows
            **options,
        )
        pieces = (Piece(piece, window_end_s(piece.seek / FRAMES_PER_S, places)) for piece in found)
        return real(pieces), info.language

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
                f"{self.compute_type}: {first_line(fault)}."
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
                    f"hub: {first_line(fault)}."
                ) from fault
            raise UsageError(
                f"The Whisper model {self.model!r} is neither a folder nor in the local Hugging Face "
                "cache; give a converted model's folder, or set download = true to fetch it."
            ) from fault
