"""The plain runner: shards in threads of this process, no server, same cells."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from flows.observer import Observer
from flows.options import AnnotateOptions
from flows.run import Report, Run, begin, finish, run_stages
from tasks.plan import Shards
from tasks.shard import ShardSummary, run_shard

WINDOW = 4  # shards under way at once; their clips share the one worker pool


def annotate_plainly(options: AnnotateOptions, observer: Observer) -> Report:
    """Raises MercapError for what a person must mend, KeyboardInterrupt when interrupted."""
    with begin(options, "plain", observer) as run:
        run_stages(run, run_in_threads, observer)
        return finish(run, observer)


def run_in_threads(run: Run, _stage_key: str, shards: Shards) -> Iterator[ShardSummary]:
    waiting = list(range(len(shards)))[::-1]
    under_way: set[Future[ShardSummary]] = set()
    with ThreadPoolExecutor(max_workers=WINDOW, thread_name_prefix="mercap-shard") as threads:
        try:
            while waiting or under_way:
                while waiting and len(under_way) < WINDOW:
                    number = waiting.pop()
                    under_way.add(threads.submit(run_shard, run.context, number, shards[number]))
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            run.context.stop.set()  # the threads commit what they have and end
            run.context.pool.close()
            raise
