"""English speech to text with pocketsphinx, whose model comes inside the package.

Half a second to load, 100 MB of memory, and about an eighth of the audio's length on one core. A small model of read
American English: the words of clear speech are mostly right, those of noisy or accented speech often are not, although
steady noise is lowered first (`quieten`).

The decoder adapts to what it hears, so that by default a clip's words depend on the clip before it. Here every span
is decoded from the same state: the mean of the features is taken over the span itself (``cmn=batch``), and the feature
pipeline and the acoustic scores are brought back to a known state first (`_forget`).
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pocketsphinx import Decoder

from mercap.backends.quieten import quieten
from mercap.errors import NothingToDo, UsageError
from mercap.records import Segment, Span, Transcript

SAMPLE_RATE = 16_000  # of the bundled acoustic model
FRAMES_PER_S = 100
PAD_S = 0.17  # the detector cuts close; the recogniser wants some silence around words
# Narrower than the package's defaults, at about half the time. Of the words of 96 clear sentences by four synthetic
# voices 93 % are right instead of 95 %; in whispers and noise, where few are, it costs more (benchmarks/LOG.md).
SEARCH = {"topn": 2, "maxhmmpf": 2000, "maxwpf": 20, "fwdflatsfwin": 12}
NOISE_ONLY_DB = 6.0  # a span that loses more than this to `quieten` holds nothing louder than the noise
_VARIANT = re.compile(r"\(\d+\)$")  # "close(2)" is the second pronunciation of "close"


class _Word(NamedTuple):
    text: str
    start_s: float
    end_s: float
    probability: float


class PocketsphinxTranscriber:
    """Recognises the words of each span of speech. The decoder is loaded on first use and then kept."""

    def __init__(self, language: str = "en") -> None:
        if language != "en":
            raise UsageError(
                f"The pocketsphinx back-end only knows English (en), not {language!r}; "
                "use the faster_whisper back-end for other languages."
            )
        self.language = language

    @property
    def model_id(self) -> str:
        return f"pocketsphinx-{importlib.metadata.version('pocketsphinx')}/en-us"

    def transcribe(self, audio: npt.NDArray[np.int16], sample_rate: int, speech: Sequence[Span]) -> Transcript:
        """One segment per span in which words were found.

        ``audio`` is mono, (n,) int16 at 16 kHz. A confidence is the mean, over words, of the posterior probability
        the decoder's word lattice gives each word. Over synthetic voices in white noise it is close to the share of
        words that are right (below 0.6: about half of them; above: nine in ten). But it compares the decoder's own
        hypotheses only: for other languages, accents and sound that is no speech it can be near 1 and wrong.

        Raises NothingToDo ("no_speech" without spans, "no_words" when nothing was recognised) and ValueError for
        another sample rate.
        """
        if sample_rate != SAMPLE_RATE:
            raise ValueError(f"pocketsphinx needs {SAMPLE_RATE} Hz, not {sample_rate} Hz")
        if not speech:
            raise NothingToDo("no_speech")
        quiet = quieten(audio, sample_rate, [(span.start_s, span.end_s) for span in speech])
        heard = [
            window
            for window in _windows(speech, len(audio))
            if _stands_out(*(a[slice(*window)] for a in (audio, quiet)))
        ]
        spoken = [words for window in heard if (words := self._words(quiet, *window))]
        if not spoken:
            raise NothingToDo("no_words")
        return Transcript(
            segments=tuple(_segment(words) for words in spoken),
            language=self.language,
            origin="recognised",
            confidence=_mean_probability([word for words in spoken for word in words]),
        )

    @functools.cached_property
    def _decoder(self) -> Decoder:
        return Decoder(samprate=SAMPLE_RATE, cmn="batch", loglevel="FATAL", **SEARCH)

    @functools.cached_property
    def _wash(self) -> bytes:
        return np.random.default_rng(0).normal(0.0, 300.0, SAMPLE_RATE // 20).astype(np.int16).tobytes()

    def _words(self, audio: npt.NDArray[np.int16], start: int, end: int) -> list[_Word]:
        self._forget()
        self._decode(audio[start:end].tobytes())
        offset_s = start / SAMPLE_RATE
        return [
            _Word(
                _VARIANT.sub("", piece.word),
                offset_s + piece.start_frame / FRAMES_PER_S,
                min(offset_s + (piece.end_frame + 1) / FRAMES_PER_S, len(audio) / SAMPLE_RATE),
                min(max(piece.prob, 0.0), 1.0),  # the log table's rounding can give 1.0001
            )
            for piece in self._decoder.seg() or ()
            if not piece.word.startswith(("<", "["))  # <s>, <sil>, [NOISE]
        ]

    def _forget(self) -> None:
        """Make what follows independent of what was decoded before.

        A fresh feature pipeline is not enough: the acoustic scorer starts each utterance from the best Gaussians of
        the last frame it saw. So it is shown the same twentieth of a second of noise every time.
        """
        self._decoder.reinit_feat()
        self._decode(self._wash)
        self._decoder.reinit_feat()

    def _decode(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()


def _stands_out(audio: npt.NDArray[np.int16], quiet: npt.NDArray[np.int16]) -> bool:
    """False for digital silence and for bare noise, most of which was taken away: the decoder would invent a word."""
    before, after = (float(np.mean(np.square(samples.astype(np.float64)))) for samples in (audio, quiet))
    return bool(after > before * 10.0 ** (-NOISE_ONLY_DB / 10.0))


def _windows(speech: Sequence[Span], samples: int) -> list[tuple[int, int]]:
    """First and one-past-last sample to decode for each span: padded, but never into another span's padding."""
    spans = sorted(speech, key=lambda span: span.start_s)
    windows = []
    for index, span in enumerate(spans):
        before = spans[index - 1].end_s if index else -np.inf
        after = spans[index + 1].start_s if index + 1 < len(spans) else np.inf
        start_s = span.start_s - min(PAD_S, max((span.start_s - before) / 2, 0.0))
        end_s = span.end_s + min(PAD_S, max((after - span.end_s) / 2, 0.0))
        start, end = max(round(start_s * SAMPLE_RATE), 0), min(round(end_s * SAMPLE_RATE), samples)
        if start < end:
            windows.append((start, end))
    return windows


def _segment(words: list[_Word]) -> Segment:
    return Segment(
        start_s=round(words[0].start_s, 3),
        end_s=round(words[-1].end_s, 3),
        text=" ".join(word.text for word in words),
        confidence=_mean_probability(words),
    )


def _mean_probability(words: list[_Word]) -> float:
    return round(sum(word.probability for word in words) / len(words), 4)
