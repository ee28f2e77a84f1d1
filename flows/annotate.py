"""The Prefect flow `annotate`: one task run per shard and stage, in a bounded window.

Prefect decides what runs where and shows it; the store decides what is done (ARCHITECTURE.md, "Cells"). So tasks cache
nothing and persist nothing, a retried shard computes only what is still missing, and a killed run is simply run again.
Parameters are one typed object; no secret is ever among them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.observer import Observer, Silent
from flows.options import AnnotateOptions
from flows.report import ledger_markdown
from flows.retry import is_worth_a_retry
from flows.run import Report, Run, begin, finish, run_stages
from tasks.plan import Shards
from tasks.shard import ShardSummary, run_shard

WINDOW = 4

# Runs of this process, by run id. Task parameters stay small and readable: ids, never clips.
_RUNS: dict[str, tuple[Run, Shards]] = {}


def run_name() -> str:
    """``annotate-<source>-<recipe>``, without folders: readable in a list of runs."""
    options = AnnotateOptions.model_validate(flow_run.parameters["options"])
    return f"annotate-{Path(options.source).stem}-{Path(options.recipe).stem}"


@task(
    name="shard",
    task_run_name="{stage}-{shard}",
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=is_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def compute_shard(run_id: str, stage: str, shard: int) -> ShardSummary:  # noqa: ARG001 - `stage` names the task run
    """One shard of one stage."""
    run, shards = _RUNS[run_id]
    return run_shard(run.context, shard, shards[shard])


@flow(
    name="annotate",
    flow_run_name=run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=WINDOW),  # type: ignore[arg-type]
    persist_result=False,
)
def annotate(options: AnnotateOptions) -> dict[str, Any]:
    """Annotate SOURCE into the store and publish a snapshot; the result is what ``mercap annotate --json`` prints."""
    report = annotate_under_prefect(options, Silent())
    return report.as_json()


def annotate_under_prefect(options: AnnotateOptions, observer: Observer) -> Report:
    """The body of the flow. Must be called inside a flow run."""
    logger = get_run_logger()
    with begin(options, "prefect", observer) as run:
        logger.info("Run %s: %d names, %d clips", run.run_id, len(run.catalogue.sources), len(run.plan.clips))
        try:
            run_stages(run, _Submitter(), observer)
            report = finish(run, observer)
        finally:
            _RUNS.pop(run.run_id, None)
        create_markdown_artifact(ledger_markdown(report), key="ledger", description=f"Ledger of run {run.run_id}")
        logger.info("Snapshot %d: %d captions, %d kept", report.snapshot, report.captions, report.kept)
        return report


class _Submitter:
    """Hands shards to Prefect, a window at a time, and moves one progress artifact per run."""

    def __init__(self) -> None:
        self._artifact: UUID | None = None

    def __call__(self, run: Run, stage_key: str, shards: Shards) -> Iterator[ShardSummary]:
        _RUNS[run.run_id] = (run, shards)
        waiting = deque(range(len(shards)))
        under_way: deque[PrefectFuture[ShardSummary]] = deque()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < 2 * WINDOW:
                    under_way.append(compute_shard.submit(run.run_id, stage_key, waiting.popleft()))
                yield under_way.popleft().result()
                self._show(run, stage_key, 1 - (len(waiting) + len(under_way)) / len(shards))
        except BaseException:
            run.context.stop.set()
            run.context.pool.close()
            raise

    def _show(self, run: Run, stage_key: str, share: float) -> None:
        stages = list(run.plan.stages)
        percent = 100.0 * (stages.index(stage_key) + share) / len(stages)
        if self._artifact is None:
            self._artifact = create_progress_artifact(percent, key="progress", description=f"Run {run.run_id}")  # type: ignore[assignment]
        else:
            update_progress_artifact(self._artifact, percent, description=f"Run {run.run_id}: {stage_key}")
