"""What `annotate` takes when there is nothing to do: the same command again over clips that are finished.

    python -m benchmarks.second_run [--clips 1000] [--workers 2] [--json]

Clips are copies of the shortest example (3 s, no sound, so that the first run is short), each a content of its own. The
second run is a new process, as a person or a schedule would start it, in two states: with the remembered digests of the
files, and without them, when every file is hashed again. Start-up is that of `mercap --help`, best of three.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.five_second_clips import EXAMPLES, copies

ORIGINAL = EXAMPLES / "silent_surprise.mp4"
ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> tuple[float, str]:
    """Seconds and standard output of one `mercap` command."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, done.stdout


def measure(count: int, workers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as name:
        clips, store = Path(name) / "clips", Path(name) / "store"
        clips.mkdir()
        copies([ORIGINAL], clips, count)
        command = (
            "annotate",
            str(clips),
            "--store",
            str(store),
            "--runner",
            "plain",
            "--workers",
            str(workers),
            "--json",
        )
        first_s, _ = run(*command)
        second_s, second = run(*command)
        (store / "digests.parquet").unlink()
        hashing_s, hashing = run(*command)
    computed = [json.loads(answer)["computed_cells"] for answer in (second, hashing)]
    assert computed == [0, 0], f"there was something to do: {computed}"
    start_s = min(run("--help")[0] for _ in range(3))
    return {
        "clips": count, "workers": workers, "first_run_s": first_s, "start_s": start_s,
        "second_run_beyond_start_s": second_s - start_s, "second_run_hashing_beyond_start_s": hashing_s - start_s,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.clips, arguments.workers)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<34}{value:>10.2f}" if isinstance(value, float) else f"{name:<34}{value:>10}")


if __name__ == "__main__":
    main()
