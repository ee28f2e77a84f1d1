"""The Prefect flow `features`: one task run per shard and encoder, in a bounded window (see flows/annotate.py)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.features import WINDOW, FeatureOptions, FeatureRun, begin, encode_streams
from flows.observer import Silent
from flows.retry import is_worth_a_retry
from tasks.clips import Clip
from tasks.features import Encoding, FeatureSummary, encode_shard

# Work of this process, by run id and stream. Task parameters stay small and readable: ids, never clips.
_WORK: dict[tuple[str, str], tuple[Encoding, list[list[Clip]]]] = {}


def run_name() -> str:
    """``features-<source>-<encoders>``."""
    options = FeatureOptions.model_validate(flow_run.parameters["options"])
    return "-".join(["features", Path(options.source).stem, *(one.kind for one in options.encoders)])


@task(
    name="features-shard",
    task_run_name="{stream}-{shard}",
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=is_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def compute_shard(run_id: str, stream: str, shard: int) -> FeatureSummary:
    """One shard through one encoder."""
    encoding, shards = _WORK[(run_id, stream)]
    return encode_shard(encoding, shard, shards[shard])


@flow(
    name="features",
    flow_run_name=run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=WINDOW),  # type: ignore[arg-type]
    persist_result=False,
)
def features(options: FeatureOptions) -> dict[str, Any]:
    """Encode SOURCE into the store; the result is what ``mercap features --json`` prints."""
    logger = get_run_logger()
    with begin(options, Silent()) as run:
        logger.info("Run %s: %d names, %d clips", run.run_id, len(run.catalogue.sources), len(run.catalogue.clips))
        report = encode_streams(run, _submit, Silent())
    for stream in report.streams:
        logger.info("%s: %d encoded, %d were there", stream.encoder, stream.encoded, stream.already)
    return report.as_json()


def _submit(run: FeatureRun, encoding: Encoding, shards: list[list[Clip]]) -> Iterator[FeatureSummary]:
    """Hand shards to Prefect, a window at a time."""
    key = (run.run_id, encoding.encoder.reads)
    _WORK[key] = (encoding, shards)
    waiting = deque(range(len(shards)))
    under_way: deque[PrefectFuture[FeatureSummary]] = deque()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < 2 * WINDOW:
                under_way.append(compute_shard.submit(*key, waiting.popleft()))
            yield under_way.popleft().result()
    except BaseException:
        encoding.stop.set()
        encoding.pool.close()
        raise
    finally:
        _WORK.pop(key, None)
