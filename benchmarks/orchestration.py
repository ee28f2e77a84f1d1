"""What it costs to run stages that do nothing: identity, planning, shards, store, ledger, snapshot, publishing.

    python -m benchmarks.orchestration [--clips 1000 10000] [--files] [--no-prefect] [--peers DIR] [--json]

Clips are invented (no file is hashed or decoded; with --files a folder of tiny ones is listed and hashed) and every
stage answers at once with a record of its own kind, so what is left is the price of cells. The figure
`ms_per_clip_stage` is wall clock over clips x stages, publishing included, of the last size; the slope between the
first and the last size is free of fixed costs. Each size has a process of its own, so its peak of memory, that of the
first run, is its own too. Beside it Prefect with a task run per clip and stage (`prefect_per_clip.py`, a minute or
two), and with `--peers` other tools in environments made in DIR (`peers.py`).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import peers, prefect_per_clip
from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import run_in_threads
from flows.run import Run, begin, finish, run_stages
from mercap.identity import digest_text
from mercap.outcome import Outcome
from mercap.recipe import load_recipe
from mercap.spool import Spool
from mercap.workers.pool import WorkerPool
from storage.runs import Source, new_run_id, write_run, write_sources
from storage.schema import Status
from storage.store import Store
from tasks.clips import Catalogue, Clip
from tasks.context import Context
from tasks.plan import Plan, open_index
from tasks.spec import CellSpec

_QUALITY = '{"black_ratio":0,"frozen_ratio":0,"sharpness":1,"level_dbfs":-20,"clipped_ratio":0,"snr_db":30}'
ANSWERS = {
    "ingest": '{"format":"mov","size_bytes":1,"duration_s":5,"video":null,"audio":null}',
    "diarize": '{"speech":[],"turns":[],"duration_s":5,"speech_s":0,"speech_ratio":0}',
    "transcribe": '{"segments":[],"language":"en","origin":"supplied","confidence":null}',
    "measure": f'{{"face":null,"voice":null,"synchrony":null,"quality":{_QUALITY}}}',
    "describe_visual": '{"modality":"visual","text":"t","language":"en","evidence":[]}',
    "describe_audio": '{"modality":"audio","text":"t","language":"en","evidence":[]}',
    "merge": '{"text":"t","language":"en","conflict":false,"injection_suspect":false}',
    "label": '{"labels":[],"sentiment":"neutral","sentiment_span":null}',
    "screen": '{"kept":true,"failed":[],"measures":{}}',
    "vote": '{"voter":"words","emotions":{"happy":1.0},"sentiments":{"positive":1.0}}',
    "verdict": '{"kept":true,"reasons":[],"emotion":"happy","sentiment":"positive","emotion_agrees":true,'
    '"sentiment_agrees":true,"agreement":1.0,"voters":1}',
}


def answer_at_once(_context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    for spec in specs:
        yield spec, Outcome("ok", ANSWERS[spec.stage.name])


STEPS = dict.fromkeys(ANSWERS, answer_at_once)


def write_files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"clip{number:06d}.mp4").write_text(f"clip {number}", encoding="utf-8")
    return folder


def invent(count: int) -> Catalogue:
    """As tasks/clips.py makes it: names as they are listed, clips by digest."""
    sources = Spool(Source)
    for number in range(count):
        name = f"clip{number:06d}"
        digest = digest_text(f"clip {number}")
        sources.append(Source("benchmark", name, f"{name}.mp4", digest, Status.OK, consent="any"))
    return Catalogue(sources, Spool(Clip, sorted(map(_clip, sources))))


def _clip(source: Source) -> Clip:
    assert source.clip is not None
    return Clip(source.clip, f"{source.name}.mp4", 1, 1, source.name, None, None)


@contextmanager
def a_run(count: int, store: Store, clips: Path | None) -> Iterator[Run]:
    """A run that has begun, over a folder of clips or over invented ones: as flows/run.py begins one, without files."""
    if clips is not None:
        with begin(AnnotateOptions(source=str(clips), store=str(store.root), workers=1), "plain", Silent()) as run:
            yield run
        return
    recipe, found = load_recipe("embedded"), invent(count)
    options = AnnotateOptions(source="benchmark", store=str(store.root))
    plan = Plan(recipe, found.clips)
    with WorkerPool(1) as pool:
        context = Context(store, recipe, new_run_id(), pool, open_index(store, plan))
        run = Run(options, recipe, context, found, plan, "benchmark", "plain", datetime.now(UTC))
        for stage in plan.stages.values():
            store.keep_config(stage.config)
        write_run(store, run.run_id, {"state": "running"})
        write_sources(store, run.run_id, found.sources)
        yield run


def measure(count: int, files: bool = False) -> dict[str, Any]:
    """Clips are invented, or with ``files`` a folder of files that are listed, hashed and told apart as any others."""
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as folder:
        store = Store.create(Path(folder) / "store")
        clips = write_files(Path(folder) / "clips", count) if files else None
        started = time.perf_counter()
        with a_run(count, store, clips) as run, mock.patch.dict("tasks.shard.STEPS", STEPS):
            planned = time.perf_counter()
            run_stages(run, run_in_threads, Silent())
            ran = time.perf_counter()
            report = finish(run, Silent())
            stages = len(run.plan.stages)
        ended, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert sum(report.computed.values()) == count * stages
        again = time.perf_counter()
        with a_run(count, store, clips) as run:
            run_stages(run, run_in_threads, Silent())
            second = finish(run, Silent())
        assert sum(second.computed.values()) == 0
        nothing_to_do = time.perf_counter() - again
    return {
        "clips": count, "stages": stages, "wall_s": ended - started, "plan_s": planned - started,
        "stages_s": ran - planned, "finish_s": ended - ran, "nothing_to_do_s": nothing_to_do,
        "ms_per_clip_stage": 1000 * (ended - started) / (count * stages),
        "peak_mb": peak / 1024,
    }  # fmt: skip


def measure_apart(count: int, files: bool) -> dict[str, Any]:
    """`measure` in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, count, files).result()


def show(rows: list[dict[str, Any]], slope: float | None) -> None:
    names = ("clips", "wall_s", "plan_s", "stages_s", "finish_s", "nothing_to_do_s", "ms_per_clip_stage", "peak_mb")
    print("".join(f"{name:>18}" for name in names))
    for row in rows:
        print("".join(f"{row[name]:>18.3f}" if isinstance(row[name], float) else f"{row[name]:>18}" for name in names))
    if slope is not None:
        print(f"slope: {slope:.4f} ms per clip and stage")
        grown = (rows[-1]["peak_mb"] - rows[0]["peak_mb"]) / (rows[-1]["clips"] - rows[0]["clips"])
        print(f"memory: {1000 * grown:.1f} kB more per clip")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument(
        "--files", action="store_true", help="list and hash a folder of files in place of invented clips"
    )
    parser.add_argument("--no-prefect", action="store_true", help="leave out Prefect with a task run per clip")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="measure other tools too; their packages go to DIR")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [measure_apart(count, arguments.files) for count in arguments.clips]
    first, last = rows[0], rows[-1]
    cells = (last["clips"] - first["clips"]) * last["stages"]
    slope = 1000 * (last["wall_s"] - first["wall_s"]) / cells if cells else None
    found = {
        "ms_per_clip_stage": last["ms_per_clip_stage"], "slope_ms": slope, "rows": rows,
        "prefect_per_clip": None if arguments.no_prefect else prefect_per_clip.measure(clips=500, stages=2),
        "peers": peers.measure(arguments.clips, arguments.peers) if arguments.peers else None,
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(found))
        return
    show(rows, slope)
    if found["prefect_per_clip"]:
        print()
        prefect_per_clip.show(found["prefect_per_clip"])
    if found["peers"]:
        print()
        peers.show(found["peers"])


if __name__ == "__main__":
    main()
