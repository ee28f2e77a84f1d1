"""`diarize`: where there is speech, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.outcome import Outcome
from mercap.workers.pool import Request
from tasks.context import Context, in_workers
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    options = context.recipe.diarize.model_dump(mode="json")
    seconds = context.recipe.limits.work_seconds

    def request(spec: CellSpec) -> Request:
        media = context.media(spec.clip).model_dump(mode="json")
        return Request("diarize", {"media": media, "options": options}, seconds)

    return in_workers(context, specs, request)
