"""How long `annotate` takes, stage by stage, beside the floor of the bare libraries on the same clips.

    python -m benchmarks.annotate [--clips 100 1000] [--workers 2] [--examples] [--json]

Clips are the example clips made 5 s long at 640x480 (`benchmarks.five_second_clips`; ``--examples`` takes them as they
are), each copy a content of its own, with no subtitles, so every voice goes through the recogniser. Both floors
(`benchmarks.floor`) run first, on up to 28 of the clips. Each size then runs in a process of its own, so that its peak
memory is its own; starting the worker processes is part of the first stage.

`share_of_floor` is a ratio of speeds, ours to the lowered floor's, and moves with whatever else the machine does;
`cpu_share_of_floor`, CPU time per clip of the lowered floor to ours, hardly does.

No stage but `ingest` can have decoded a clip: the folder of clips is moved away when `ingest` is done. That `ingest`
decodes once is counted from the derived media: one folder per clip, written while `ingest` ran.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.five_second_clips import chosen_examples, copies, five_second_examples
from benchmarks.floor import FLOORS
from benchmarks.floor import measure as measure_floor
from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import annotate_plainly
from storage.query import query
from storage.store import Store

FLOOR_CLIPS = 28


class StageClock(Silent):
    """Seconds per stage, and whether derived media were written while `ingest` ran."""

    def __init__(self, clips: Path) -> None:
        self.seconds: dict[str, float] = {}
        self.ingest = (0.0, 0.0)  # when it began and ended, as files are dated
        self.clips, self.away = clips, clips.with_name("clips-moved-away")
        self.worker_mb = 0.0
        self._started = (0.0, 0.0)

    def stage_started(self, stage_key: str, cells: int) -> None:  # noqa: ARG002 - the protocol's signature
        self._started = (time.perf_counter(), time.time())

    def stage_done(self, stage_key: str) -> None:
        self.seconds[stage_key] = time.perf_counter() - self._started[0]
        self.worker_mb = max([self.worker_mb, *(peak_mb(worker) for worker in children())])
        if stage_key == "ingest":
            self.ingest = (self._started[1], time.time())
            self.clips.rename(self.away)

    def bring_back(self) -> None:
        self.away.rename(self.clips)


def children() -> list[int]:
    """Processes this one has started."""
    return [int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]


def peak_mb(pid: int) -> float:
    """The most memory a process has held, by the kernel's own mark, which `getrusage` mixes with its parent's."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_s() -> float:
    """CPU seconds of this process and of those it started and has seen end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run_once(folder: Path, workers: int) -> dict[str, Any]:
    """Annotate ``folder``/clips twice. For a fresh process: memory is that of the process and of its workers."""
    store = folder / "store"
    options = AnnotateOptions(source=str(folder / "clips"), store=str(store), workers=workers, max_quarantine=1.0)
    clock = StageClock(folder / "clips")
    started, cpu = time.perf_counter(), cpu_s()
    report = annotate_plainly(options, clock)
    wall, cpu = time.perf_counter() - started, cpu_s() - cpu
    clock.bring_back()
    again = time.perf_counter()
    second = annotate_plainly(options, Silent())
    second_s = time.perf_counter() - again
    assert sum(second.computed.values()) == 0
    opened = Store.open(store)
    dated = [path.stat().st_mtime for path in opened.derived.rglob("container.json")]
    main_mb = peak_mb(os.getpid())
    count = report.clips
    return {
        "clips": count, "workers": workers, "cores": os.cpu_count(), "wall_s": wall, "clips_per_s": count / wall,
        "video_s_per_s": query(opened, "SELECT sum(duration_s) FROM clips").rows[0][0] / wall,
        "cpu_ms_per_clip": 1000.0 * cpu / count, "second_run_s": second_s,
        "peak_process_mb": max(main_mb, clock.worker_mb), "peak_main_mb": main_mb, "peak_worker_mb": clock.worker_mb,
        "captions": report.captions, "quarantined": report.quarantined,
        "stage_ms_per_clip": {stage: 1000.0 * seconds / count for stage, seconds in clock.seconds.items()},
        "derived_folders": len(dated),
        "derived_written_during_ingest": sum(clock.ingest[0] - 1 <= at <= clock.ingest[1] for at in dated),
    }  # fmt: skip


def measure(originals: list[Path], count: int, workers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as name:
        clips = Path(name) / "clips"
        clips.mkdir()
        copies(originals, clips, count)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(run_once, Path(name), workers).result()


def measure_all(counts: list[int], workers: int, *, examples: bool) -> dict[str, Any]:
    """Both floors, then a row per size. The figures at the top are those of the largest."""
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as name:
        folder = Path(name)
        originals = chosen_examples() if examples else five_second_examples(folder, max(counts))
        (folder / "floor").mkdir()
        clips = copies(originals, folder / "floor", min(FLOOR_CLIPS, max(counts)))
        floors = {floor: measure_floor(clips, workers, floor) for floor in FLOORS}
        rows = [measure(originals, count, workers) for count in counts]
    for row in rows:
        row["share_of_floor"] = row["clips_per_s"] / floors["lowered"]["clips_per_s"]
        row["share_of_naive_floor"] = row["clips_per_s"] / floors["naive"]["clips_per_s"]
        row["cpu_share_of_floor"] = floors["lowered"]["cpu_ms_per_clip"] / row["cpu_ms_per_clip"]
    return {
        **rows[-1], "made_5_s": not examples, "floor_clips_per_s": floors["lowered"]["clips_per_s"],
        "floor_naive_clips_per_s": floors["naive"]["clips_per_s"], "floors": list(floors.values()), "rows": rows,
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    kind = "5 s, 640x480" if found["made_5_s"] else "examples as they are"
    print(f"{kind}; {found['workers']} workers on {found['cores']} cores\n")
    names = (
        "clips", "wall_s", "clips_per_s", "video_s_per_s", "second_run_s", "peak_main_mb", "peak_worker_mb",
        "share_of_floor", "share_of_naive_floor", "cpu_ms_per_clip", "cpu_share_of_floor",
    )  # fmt: skip
    print("".join(f"{name:>{len(name) + 2}}" for name in names))
    for row in found["rows"]:
        print("".join(_cell(row[name], len(name) + 2) for name in names))
    for floor in found["floors"]:
        steps = ", ".join(f"{step} {ms:.0f}" for step, ms in floor["step_ms"].items())
        print(f"\nfloor, {floor['floor']}: {floor['clips_per_s']:.2f} clips/s; CPU ms per clip: {steps}", end="")
    print("\n\nms per clip by stage (wall clock, all workers together):")
    for stage in found["stage_ms_per_clip"]:
        print(f"{stage:<16}" + "".join(f"{row['stage_ms_per_clip'][stage]:>10.1f}" for row in found["rows"]))
    for row in found["rows"]:
        print(
            f"{row['clips']} clips: {row['quarantined']} quarantined; derived media of {row['derived_folders']}, "
            f"{row['derived_written_during_ingest']} of them written during ingest; clips were out of reach after it"
        )


def _cell(value: float, width: int) -> str:
    return f"{value:>{width}.2f}" if isinstance(value, float) else f"{value:>{width}}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[100])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--examples", action="store_true", help="the examples as they are, not made 5 s long")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure_all(arguments.clips, arguments.workers, examples=arguments.examples)
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        show(found)


if __name__ == "__main__":
    main()
