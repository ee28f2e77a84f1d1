"""`ingest`: facts of the container, after one full decode in a guarded worker process."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.outcome import Outcome
from mercap.workers.pool import Request
from tasks.context import Context, in_workers
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    seconds = context.recipe.limits.decode_seconds

    def request(spec: CellSpec) -> Request:
        return Request("ingest", {"media": context.media(spec.clip).model_dump(mode="json")}, seconds)

    return in_workers(context, specs, request)
