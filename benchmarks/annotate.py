"""How long `annotate` takes, stage by stage: clips per second and seconds of video per second.

    python -m benchmarks.annotate --clips 40 [--workers 2] [--json]

Clips are copies of the example clips with a few bytes added after the container's end, so that each is a content of its
own and is decoded like the original. Start-up of Python and of the worker processes is part of the first stage.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import annotate_plainly
from flows.run import Report
from storage.query import query
from storage.store import Store

CLIPS = Path(__file__).resolve().parent.parent / "examples" / "clips"


class StageClock(Silent):
    """Wall-clock seconds per stage, as the runner reports its progress."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    def stage_started(self, stage_key: str, cells: int) -> None:  # noqa: ARG002 - the protocol's signature
        self._started = time.perf_counter()

    def stage_done(self, stage_key: str) -> None:
        self.seconds[stage_key] = time.perf_counter() - self._started


def make_clips(folder: Path, count: int) -> None:
    """``count`` distinct contents from the sound example clips, without their subtitles."""
    originals = [path for path in sorted(CLIPS.glob("*.mp4")) if path.stem != "truncated"]
    for number in range(count):
        original = originals[number % len(originals)]
        padding = (8).to_bytes(4, "big") + b"free" if number >= len(originals) else b""
        data = original.read_bytes() + padding * (number // len(originals))
        (folder / f"{number:05d}_{original.stem}.mp4").write_bytes(data)


def measure(count: int, workers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as name:
        folder = Path(name)
        (folder / "clips").mkdir()
        make_clips(folder / "clips", count)
        options = AnnotateOptions(
            source=str(folder / "clips"), store=str(folder / "store"), workers=workers, max_quarantine=1.0
        )
        clock = StageClock()
        started = time.perf_counter()
        report: Report = annotate_plainly(options, clock)
        wall = time.perf_counter() - started
        again = time.perf_counter()
        second = annotate_plainly(options, Silent())
        idle = time.perf_counter() - again
        video_s = query(Store.open(folder / "store"), "SELECT sum(duration_s) FROM clips").rows[0][0]
    assert sum(second.computed.values()) == 0
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {
        "clips": count, "workers": workers, "cores": os.cpu_count(), "wall_s": wall, "clips_per_s": count / wall,
        "video_s_per_s": video_s / wall, "second_run_s": idle, "peak_process_mb": peak, "captions": report.captions,
        "stage_s": clock.seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.clips, arguments.workers)
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{found['clips']} clips, {found['workers']} workers: {found['wall_s']:.1f} s")
    print(f"{found['clips_per_s']:.2f} clips/s; {found['video_s_per_s']:.1f} s of video per second")
    print(f"second run, nothing to do: {found['second_run_s']:.2f} s")
    print(f"largest process {found['peak_process_mb']:.0f} MB\n")
    for stage, seconds in found["stage_s"].items():
        print(f"{stage:<16} {seconds:8.2f} s  {1000 * seconds / found['clips']:8.1f} ms per clip")


if __name__ == "__main__":
    main()
