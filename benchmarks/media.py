"""How fast media is decoded and sampled: our guarded decode beside bare PyAV and bare OpenCV on the same clips.

    python -m benchmarks.media [--repeats 5] [--json]

Every contender is single-threaded and they take turns, one clip at a time, in an order that changes with each round,
so that a busy machine slows all of them; the CPU time is what it slows least. Ours also checks every length, shrinks
the frames it takes, writes JPEGs and samples to files and renames a folder; PyAV "sampled and sound" is the same
decoding, conversion and resampling with nothing else. OpenCV knows no sound. A minute.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal, NamedTuple

import av
import cv2
from av.video.reformatter import VideoReformatter

from benchmarks.five_second_clips import EXAMPLES, noisy_clip
from mercap.errors import CellFailure
from mercap.media.decode import decode
from mercap.media.policy import MediaLimits, MediaPolicy

POLICY, LIMITS = MediaPolicy(), MediaLimits()
SUFFIXES = (".mp4", ".webm")

Pick = Literal["none", "sampled", "all"]  # which frames are converted to blue-green-red


class Grid:
    """Says which frames are sampled: the first at or after each point of the policy's grid."""

    def __init__(self) -> None:
        self._next = 0

    def takes(self, time_s: float) -> bool:
        point = int((time_s + 1e-6) * POLICY.frames.rate_hz)
        if point < self._next:
            return False
        self._next = point + 1
        return True


class Took(NamedTuple):
    """Milliseconds of one reading of one clip: by the clock on the wall, and of CPU in all threads."""

    wall: float
    cpu: float


def ours(path: Path, folder: Path) -> None:
    decode(path, POLICY, LIMITS, folder / f"{path.stem}-{time.perf_counter_ns()}")


def with_pyav(path: Path, pick: Pick, *, sound: bool = False) -> int:
    """One pass over ``path``; returns the number of frames converted."""
    grid, converted = Grid(), 0
    scaler = VideoReformatter()  # kept: PyAV's shorthand sets up a new one, with threads, for every frame
    with av.open(str(path)) as media:
        video = media.streams.video[0]
        video.thread_type = "NONE"
        heard = media.streams.audio[:1] if sound else ()
        resampler = av.AudioResampler(format="s16", layout="mono", rate=POLICY.audio.sample_rate)
        for frame in media.decode(video, *heard):
            if isinstance(frame, av.AudioFrame):
                for piece in resampler.resample(frame):
                    piece.to_ndarray()
            elif pick == "all" or (pick == "sampled" and grid.takes(frame.time)):
                scaler.reformat(frame, format="bgr24", threads=1).to_ndarray()
                converted += 1
    return converted


def with_opencv(path: Path, pick: Pick) -> int:
    """The same through OpenCV, which only knows pictures; "none" is of no use to anybody and not offered."""
    grid, converted = Grid(), 0
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    while capture.grab():
        if pick == "all" or grid.takes(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0):
            capture.retrieve()
            converted += 1
    capture.release()
    return converted


def contenders(folder: Path) -> dict[str, Callable[[Path], object]]:
    """Name -> one reading of a clip. ``folder`` takes what ours writes."""
    return {
        "ours": lambda path: ours(path, folder),
        "PyAV, sampled and sound": lambda path: with_pyav(path, "sampled", sound=True),
        "PyAV, no conversion": lambda path: with_pyav(path, "none"),
        "PyAV, sampled": lambda path: with_pyav(path, "sampled"),
        "PyAV, all": lambda path: with_pyav(path, "all"),
        "OpenCV, sampled": lambda path: with_opencv(path, "sampled"),
        "OpenCV, all": lambda path: with_opencv(path, "all"),
    }


def decodable(folder: Path) -> tuple[dict[Path, int], dict[str, str]]:
    """Example clips with pictures -> their frames, and why the others are left out."""
    clips, left_out = {}, {}
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix not in SUFFIXES:
            continue
        try:
            facts = decode(path, POLICY, LIMITS, folder / f"look-{path.stem}")
        except CellFailure as failure:
            left_out[path.name] = str(failure)
            continue
        if facts.video is None:
            left_out[path.name] = "It has no pictures."
        else:
            clips[path] = with_pyav(path, "all")
    return clips, left_out


def race(clips: list[Path], repeats: int, folder: Path) -> dict[str, dict[Path, list[Took]]]:
    """What every contender took on every clip, one entry per round."""
    entered = contenders(folder)
    names = list(entered)
    taken: dict[str, dict[Path, list[Took]]] = {name: {path: [] for path in clips} for name in names}
    for turn in range(repeats):
        for path in clips:
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                wall, cpu = time.perf_counter(), time.process_time()
                entered[name](path)
                took = Took(1000.0 * (time.perf_counter() - wall), 1000.0 * (time.process_time() - cpu))
                taken[name][path].append(took)
    return taken


def rows_of(kind: str, clips: dict[Path, int], taken: dict[str, dict[Path, list[Took]]]) -> list[dict[str, Any]]:
    """One row per contender: means over clips of each clip's least and median wall time and median CPU time."""
    rows: list[dict[str, Any]] = []
    for name, times in taken.items():
        least = fmean(min(one.wall for one in times[path]) for path in clips)
        usual = fmean(median(one.wall for one in times[path]) for path in clips)
        cpu = fmean(median(one.cpu for one in times[path]) for path in clips)
        row: dict[str, Any] = {
            "clips": kind, "contender": name, "min_ms": least, "median_ms": usual, "cpu_ms": cpu,
            "frames_per_s": 1000.0 * fmean(clips.values()) / usual,
        }  # fmt: skip
        reference = rows[0] if rows else row
        row |= {f"{key}_of_ours": row[f"{key}_ms"] / reference[f"{key}_ms"] for key in ("min", "median", "cpu")}
        rows.append(row)
    return rows


def measure(repeats: int) -> dict[str, Any]:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as name:
        folder = Path(name)
        examples, left_out = decodable(folder)
        noisy = noisy_clip(folder / "noisy.mp4")
        rows = []
        for kind, clips in (("examples", examples), ("noisy 5 s", {noisy: with_pyav(noisy, "all")})):
            rows += rows_of(kind, clips, race(list(clips), repeats, folder))
    return {"repeats": repeats, "examples": len(examples), "left_out": left_out, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.repeats)
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"{found['examples']} example clips and one noisy clip, {found['repeats']} rounds, one thread")
    names = ("min_ms", "median_ms", "cpu_ms", "frames_per_s", "min_of_ours", "median_of_ours", "cpu_of_ours")
    print(f"{'clips':<12}{'contender':<26}" + "".join(f"{name:>{len(name) + 2}}" for name in names))
    for row in found["rows"]:
        cells = "".join(f"{row[name]:>{len(name) + 2}.{2 if 'ours' in name else 0}f}" for name in names)
        print(f"{row['clips']:<12}{row['contender']:<26}{cells}")
    for clip, why in found["left_out"].items():
        print(f"left out: {clip}: {why}")


if __name__ == "__main__":
    main()
