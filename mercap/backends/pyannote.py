"""Who speaks when, by a pyannote.audio pipeline: segmentation, speaker embeddings, clustering.

Needs the extra `diarize` and a pipeline: a folder with config.yaml and the models it names, or a repository such as
"pyannote/speaker-diarization-community-1" in the local Hugging Face cache. That one is 33 MB and gated: whoever fetches
it must accept its conditions on its page, once. The import takes ten seconds; on one core a clip of up to 10 s takes
2 s, and each second beyond them another 2. Who is heard alone for less than a fifth of the model's window (2 of 10 s)
is not told apart from the others, so that a very short clip mostly has one speaker.

What trust a pipeline needs: its models are pickles, and pyannote.audio 4 loads them with ``weights_only=False``, so
such a file may run any code. Here torch is told to refuse everything that is not a tensor, a plain value or one of the
four classes in pyannote's own checkpoints (`_only_weights`), and of config.yaml only the pipeline and its parameters
are used (mercap/backends/pyannote_folder.py). With ``trust_pickles`` models are loaded as pyannote would, which
checkpoints older than version 3 may need; then the folder is a program, and whoever wrote it may do anything that you
may.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mercap.backends.pyannote_folder import WANTED, read_pipeline
from mercap.backends.snapshot import find_model, first_line
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import UsageError
from mercap.records import Diarization, Span, Turn

_FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


class PyannoteDetector:
    """Finds the turns of each speaker. The pipeline is loaded on first use and then kept.

    ``model`` is a folder or the name of a repository; ``token`` is only used to fetch it. ``min_speakers`` and
    ``max_speakers`` bound how many speakers the clustering may find.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        token: str | None = None,
        device: str = "cpu",
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        download: bool = False,
        trust_pickles: bool = False,
    ) -> None:
        bounds = [bound for bound in (1, min_speakers, max_speakers) if bound is not None]
        if bounds != sorted(bounds):
            raise UsageError(
                f"min_speakers = {min_speakers} and max_speakers = {max_speakers} leave no number of speakers; "
                "give a minimum of at least 1 and no larger than the maximum."
            )
        self.model = model
        self.revision = revision
        self.token = token
        self.device = device
        self.speakers = {"min_speakers": min_speakers, "max_speakers": max_speakers}
        self.download = download
        self.trust_pickles = trust_pickles

    def diarize(self, audio: npt.NDArray[np.int16], sample_rate: int) -> Diarization:
        """Speech and turns of mono audio, (n,) int16 at any rate; both are empty where nobody speaks.

        Turns of different speakers may overlap and are ordered by their start; speech is their union. Raises
        UsageError when the pipeline cannot be loaded.
        """
        duration_s = len(audio) / sample_rate
        turns = _in_order(self._found(audio, sample_rate), duration_s) if len(audio) else ()
        speech = _union(turns)
        speech_s = sum(span.end_s - span.start_s for span in speech)
        return Diarization(
            speech=speech,
            turns=turns,
            duration_s=duration_s,
            speech_s=round(speech_s, 4),
            speech_ratio=round(min(speech_s / duration_s, 1.0), 4) if duration_s else 0.0,
        )

    def locate(self) -> Path:
        """The folder the pipeline will be loaded from. Raises UsageError where there is none, or parts are missing."""
        folder = find_model(
            "pyannote pipeline",
            self.model,
            revision=self.revision,
            token=self.token,
            download=self.download,
            files=WANTED,
        )
        read_pipeline(folder, self.model)
        return folder

    def _found(self, audio: npt.NDArray[np.int16], sample_rate: int) -> list[tuple[float, float, str]]:
        """Start and end in seconds and the pipeline's own name of the speaker, in any order."""
        import torch

        waveform = torch.from_numpy(audio.astype(np.float32) / np.float32(32768.0))[None]
        with warnings.catch_warnings():
            # Said of every clip that is too short to tell speakers apart; its answer is a valid one.
            warnings.filterwarnings("ignore", message="(?s).*detected number of speakers")
            warnings.filterwarnings("ignore", message="Mean of empty slice|invalid value encountered")
            # pyannote tries out how short a waveform may be, and takes any exception for an answer.
            warnings.filterwarnings("ignore", message=r"std\(\): degrees of freedom")
            found = self._pipeline({"waveform": waveform, "sample_rate": sample_rate}, **self.speakers)
        heard = getattr(found, "speaker_diarization", found)  # `legacy` pipelines answer with the turns alone
        return [(place.start, place.end, str(name)) for place, _, name in heard.itertracks(yield_label=True)]

    @functools.cached_property
    def _pipeline(self) -> Any:
        config = read_pipeline(self.locate(), self.model)
        try:
            return _load(config, self.device, self.trust_pickles)
        except Exception as fault:  # a checkpoint may fail in any class it names
            raise UsageError(
                f"The pyannote pipeline {self.model!r} cannot be loaded on {self.device}: {first_line(fault)}."
            ) from fault


def _load(config: dict[str, Any], device: str, trust_pickles: bool) -> Any:
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"  # read at import: nothing about a run is reported to anybody
    repair_torchaudio()
    import torch

    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # torchcodec is only for reading files; waveforms are handed over.
        warnings.filterwarnings("ignore", message=r"\s*torchcodec is not installed correctly")
        from pyannote.audio import Pipeline

        if not trust_pickles:
            stack.enter_context(_only_weights())
        pipeline = Pipeline.from_pretrained(config)
    if device == "cpu":
        torch.set_num_threads(1)  # clips run side by side in workers of their own
    return pipeline.to(torch.device(device))


@contextmanager
def _only_weights() -> Iterator[None]:
    """Meanwhile torch refuses any pickle with more in it than weights and the classes of pyannote's checkpoints."""
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from torch.serialization import safe_globals
    from torch.torch_version import TorchVersion

    before = os.environ.get(_FORCED)
    os.environ[_FORCED] = "1"
    try:
        with safe_globals([Problem, Resolution, Specifications, TorchVersion]):
            yield
    finally:
        if before is None:
            del os.environ[_FORCED]
        else:
            os.environ[_FORCED] = before


def _in_order(found: list[tuple[float, float, str]], duration_s: float) -> tuple[Turn, ...]:
    """Turns inside the clip, by their start; SPEAKER_00 is who speaks first, SPEAKER_01 the next one, and so on."""
    inside = [(round(max(start, 0.0), 3), min(round(end, 3), duration_s), name) for start, end, name in found]
    said = sorted(turn for turn in inside if turn[0] < turn[1])
    names = list(dict.fromkeys(name for _, _, name in said))
    return tuple(
        Turn(start_s=start, end_s=end, speaker=f"SPEAKER_{names.index(name):02d}") for start, end, name in said
    )


def _union(turns: tuple[Turn, ...]) -> tuple[Span, ...]:
    """Where anybody speaks; ``turns`` are ordered by their start."""
    spans: list[Span] = []
    for turn in turns:
        if spans and turn.start_s <= spans[-1].end_s:
            spans[-1] = Span(start_s=spans[-1].start_s, end_s=max(spans[-1].end_s, turn.end_s))
        else:
            spans.append(Span(start_s=turn.start_s, end_s=turn.end_s))
    return tuple(spans)
