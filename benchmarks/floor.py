"""The floor under `annotate`: what the bare libraries take on the same clips, without our stages, store or checks.

    python -m benchmarks.floor [--clips 28] [--workers 2] [--examples] [--json]

Two floors, each in ``--workers`` processes with every model loaded before the clock starts:

naive    what a newcomer's script would do with the packages' defaults: the face detector on 12 whole frames per clip
         (smallest face 48 pixels, steps of 1.1, 5 neighbours), the recogniser's own search over all of the sound.
lowered  the settings our stages use: frames sampled and shrunk as the policy says, faces found at a lower size and
         then followed (`mercap.measures.following.follow`), the recogniser's narrower search, in speech alone.

Both decode every packet with PyAV, find speech with Silero and track pitch. The pitch tracker is ours
(`mercap.measures.pitch`): it is the library chosen for that step. In neither floor: hashing, JPEGs and files, reading a
face, voice measures other than pitch, noise reduction, text, votes, Parquet, publishing. One to two seconds of a core
per 5 s clip.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import av
import cv2
import cv2.data
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray
from pocketsphinx import Decoder

from benchmarks.five_second_clips import chosen_examples, copies, five_second_examples
from benchmarks.media import Grid
from mercap.backends.pocketsphinx import SEARCH
from mercap.measures.faces import CASCADE, Grey, grey
from mercap.measures.following import follow
from mercap.measures.pitch import track_pitch
from mercap.measures.windows import to_float
from mercap.media.policy import MediaPolicy
from mercap.recipe import load_recipe
from mercap.roles import Silero

POLICY = MediaPolicy()
FLOORS = ("naive", "lowered")
STEPS = ("decode", "convert", "faces", "speech", "pitch", "words")
NAIVE_FRAMES = 12
NAIVE_FACE_PX = 48
SAMPLE_RATE = 16_000


class Read(NamedTuple):
    """A clip, decoded: grey frames with their times, mono audio, its length, and what that took in CPU seconds."""

    frames: list[Grey]
    times_s: list[float]
    audio: NDArray[np.int16]
    duration_s: float
    decode_s: float
    convert_s: float


class Models:
    """Everything that is loaded once per process."""

    def __init__(self, floor: str) -> None:
        cv2.setNumThreads(1)
        self.lowered = floor == "lowered"
        self.cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))
        self.vad = vad_options() if self.lowered else VadOptions()
        search: dict[str, Any] = {"cmn": "batch", **SEARCH} if self.lowered else {}
        self.decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", **search)
        silence = np.zeros(SAMPLE_RATE, np.int16)
        get_speech_timestamps(to_float(silence).astype(np.float32), self.vad, SAMPLE_RATE)
        self._decode(silence)

    def take(self, path: Path) -> dict[str, float]:
        """CPU seconds per step for one clip, and ``video_s``, its length."""
        seen = read(path, lowered=self.lowered)
        at = [time.process_time()]
        self._faces(seen)
        at.append(time.process_time())
        speech = get_speech_timestamps(to_float(seen.audio).astype(np.float32), self.vad, SAMPLE_RATE)
        at.append(time.process_time())
        if len(seen.audio):
            track_pitch(to_float(seen.audio), SAMPLE_RATE)
        at.append(time.process_time())
        if self.lowered:
            for span in speech:
                self._decode(seen.audio[span["start"] : span["end"]])
        else:
            self._decode(seen.audio)
        at.append(time.process_time())
        took = (seen.decode_s, seen.convert_s, *np.diff(at).tolist())
        return {**dict(zip(STEPS, took, strict=True)), "video_s": seen.duration_s}

    def _faces(self, seen: Read) -> None:
        if self.lowered:
            if seen.frames:
                follow(seen.frames, seen.times_s)
            return
        for frame in seen.frames:
            self.cascade.detectMultiScale(frame, 1.1, 5, minSize=(NAIVE_FACE_PX, NAIVE_FACE_PX))

    def _decode(self, audio: NDArray[np.int16]) -> None:
        if not len(audio):
            return
        self.decoder.start_utt()
        self.decoder.process_raw(audio.tobytes(), full_utt=True)
        self.decoder.end_utt()
        self.decoder.hyp()


def vad_options() -> VadOptions:
    """Those of the embedded recipe."""
    chosen = load_recipe("embedded").diarize
    assert isinstance(chosen, Silero)
    return VadOptions(
        threshold=chosen.threshold,
        min_silence_duration_ms=chosen.min_silence_ms,
        speech_pad_ms=chosen.speech_pad_ms,
        min_speech_duration_ms=100,  # the default of `SileroDetector`
    )


def read(path: Path, *, lowered: bool) -> Read:
    """One pass over the clip. Naive: 12 frames, evenly spaced, as they are. Lowered: the frames of the media policy."""
    frames: list[Grey] = []
    times: list[float] = []
    pieces: list[NDArray[np.int16]] = []
    convert_s = 0.0
    grid, scaler = Grid(), VideoReformatter()
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    started = time.process_time()
    with av.open(str(path)) as media:
        video = media.streams.video[0]
        video.thread_type = "NONE"
        every = max(video.frames / NAIVE_FRAMES, 1.0)
        duration_s = (media.duration or 0) / av.time_base
        for number, frame in enumerate(_pictures(media, pieces, resampler)):
            if not (
                grid.takes(frame.time) if lowered else len(frames) < NAIVE_FRAMES and number >= len(frames) * every
            ):
                continue
            begun = time.process_time()
            frames.append(_shrunk(frame, scaler) if lowered else _whole(frame, scaler))
            times.append(frame.time)
            convert_s += time.process_time() - begun
    pieces += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(None)]
    audio = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return Read(frames, times, audio, duration_s, time.process_time() - started - convert_s, convert_s)


def _pictures(
    media: av.container.InputContainer, pieces: list[NDArray[np.int16]], resampler: av.AudioResampler
) -> Iterator[av.VideoFrame]:
    """Yields the pictures and puts the sound between them, resampled, into ``pieces``."""
    for frame in media.decode(media.streams.video[0], *media.streams.audio[:1]):
        if isinstance(frame, av.AudioFrame):
            pieces += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(frame)]
        else:
            yield frame


def _shrunk(frame: av.VideoFrame, scaler: VideoReformatter) -> Grey:
    """Colour at the policy's height, as the later stages need it, and from that the detector's grey."""
    scale = min(1.0, POLICY.frames.height_max / frame.height)
    width, height = (2 * round(length * scale / 2) for length in (frame.width, frame.height))
    small = scaler.reformat(frame, width, height, format="bgr24", interpolation=Interpolation.AREA, threads=1)
    return grey(np.asarray(small.to_ndarray(), np.uint8))


def _whole(frame: av.VideoFrame, scaler: VideoReformatter) -> Grey:
    return np.asarray(scaler.reformat(frame, format="gray", threads=1).to_ndarray(), np.uint8)


_MODELS: list[Models] = []  # of this process


def _load(floor: str, loaded: Barrier) -> None:
    _MODELS[:] = [Models(floor)]
    loaded.wait()


def _take(path: Path) -> dict[str, float]:
    return _MODELS[0].take(path)


def _nothing() -> None:
    """Answered once every process has its models."""


@contextmanager
def processes(floor: str, workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that have loaded everything."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, _load, (floor, spawn.Barrier(workers))) as pool:
        for ready in [pool.submit(_nothing) for _ in range(workers)]:
            ready.result()
        yield pool


def measure(clips: list[Path], workers: int, floor: str) -> dict[str, Any]:
    """One floor on ``clips``: clips_per_s, video_s_per_s, and step_ms, CPU milliseconds per clip and step."""
    with processes(floor, workers) as pool:
        started = time.perf_counter()
        taken = list(pool.map(_take, clips))
        wall_s = time.perf_counter() - started
    return {
        "floor": floor, "clips": len(clips), "workers": workers, "wall_s": wall_s, "clips_per_s": len(clips) / wall_s,
        "video_s_per_s": sum(one["video_s"] for one in taken) / wall_s,
        "step_ms": {step: 1000.0 * fmean(one[step] for one in taken) for step in STEPS},
        "cpu_ms_per_clip": 1000.0 * fmean(sum(one[step] for step in STEPS) for one in taken),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=28)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--examples", action="store_true", help="the examples as they are, not made 5 s long")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as name:
        folder = Path(name)
        originals = chosen_examples() if arguments.examples else five_second_examples(folder, arguments.clips)
        clips = copies(originals, folder, arguments.clips)
        rows = [measure(clips, arguments.workers, floor) for floor in FLOORS]
    if arguments.json:
        print(json.dumps({"clips": arguments.clips, "workers": arguments.workers, "rows": rows}))
        return
    print(f"{arguments.clips} clips, {arguments.workers} processes; CPU ms per clip and step")
    print(f"{'floor':<10}{'clips/s':>9}{'s of video/s':>14}" + "".join(f"{step:>9}" for step in (*STEPS, "sum")))
    for row in rows:
        steps = [*row["step_ms"].values(), row["cpu_ms_per_clip"]]
        cells = "".join(f"{ms:>9.0f}" for ms in steps)
        print(f"{row['floor']:<10}{row['clips_per_s']:>9.2f}{row['video_s_per_s']:>14.1f}{cells}")


if __name__ == "__main__":
    main()
