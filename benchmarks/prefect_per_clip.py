"""What Prefect takes with one task run per clip and stage, which is how we do not use it (we send it shards).

    python -m benchmarks.prefect_per_clip [--clips 500] [--stages 2] [--json]

Tasks do nothing, keep nothing and log nothing, on a server that lives as long as the run, with a new database in a
temporary folder. `direct` calls each task inside the flow; `submitted` hands them to Prefect's thread runner with as
many threads as our flow allows shards. The clock starts after the first task run, so that starting the server (15 to
35 s, given apart) is not in it. A task run costs the same whichever stage it is of, so two stages are enough. The
figure for 10,000 clips and 13 stages is an extrapolation in proportion. Takes one to two minutes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

THREADS = 4  # flows.annotate.WINDOW, which cannot be imported before the settings are made
SETTINGS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "DO_NOT_TRACK": "1",
}
LARGE = {"clips": 10_000, "stages": 13}


def nothing(clip: int, stage: int) -> int:  # noqa: ARG001 - parameters are part of what a task run costs
    return clip


def run_flow(home: str, clips: int, stages: int) -> dict[str, float]:
    """Seconds to start, and of all task runs both ways. For a fresh process: Prefect reads settings on import."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ |= {**SETTINGS, "PREFECT_HOME": home}
    started = time.perf_counter()
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE
    from prefect.task_runners import ThreadPoolTaskRunner

    step = task(name="nothing", cache_policy=NO_CACHE, persist_result=False)(nothing)
    cells = [(clip, stage) for stage in range(stages) for clip in range(clips)]
    seconds: dict[str, float] = {}

    def per_clip() -> None:
        step(0, 0)
        seconds["start"] = time.perf_counter() - started
        begun = time.perf_counter()
        for clip, stage in cells:
            step(clip, stage)
        seconds["direct"] = time.perf_counter() - begun
        begun = time.perf_counter()
        for future in [step.submit(clip, stage) for clip, stage in cells]:
            future.result()
        seconds["submitted"] = time.perf_counter() - begun

    runner: Any = ThreadPoolTaskRunner(max_workers=THREADS)
    flow(name="per-clip", task_runner=runner, persist_result=False)(per_clip)()
    return seconds


def measure(clips: int, stages: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "prefect"
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            seconds = process.submit(run_flow, str(home), clips, stages).result()
    rows = []
    for way in ("direct", "submitted"):
        ms = 1000.0 * seconds[way] / (clips * stages)
        large_s = ms * LARGE["clips"] * LARGE["stages"] / 1000.0
        rows.append(
            {"way": way, "clips": clips, "stages": stages, "wall_s": seconds[way], "ms_per_clip_stage": ms,
             "extrapolated_10k_clips_13_stages_s": large_s}
        )  # fmt: skip
    best = min(row["ms_per_clip_stage"] for row in rows)
    return {"ms_per_clip_stage": best, "start_s": seconds["start"], "threads": THREADS, "rows": rows}


def show(found: dict[str, Any]) -> None:
    print(f"start, import to first task run: {found['start_s']:.1f} s")
    print(f"{'way':<12}{'clips':>8}{'stages':>8}{'wall s':>10}{'ms per clip and stage':>24}")
    for row in found["rows"]:
        print(
            f"{row['way']:<12}{row['clips']:>8}{row['stages']:>8}{row['wall_s']:>10.1f}{row['ms_per_clip_stage']:>24.2f}"
        )
    for row in found["rows"]:
        minutes = row["extrapolated_10k_clips_13_stages_s"] / 60.0
        print(f"extrapolated, not measured: 10,000 clips through 13 stages, {row['way']}: {minutes:.0f} min")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--stages", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.clips, arguments.stages)
    if arguments.json:
        print(json.dumps(found))
        return
    show(found)


if __name__ == "__main__":
    main()
