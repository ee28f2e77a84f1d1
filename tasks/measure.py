"""`measure`: numbers from frames and audio, always ours."""

from __future__ import annotations

from collections.abc import Iterator

from mercap.outcome import Outcome
from mercap.records import Diarization
from mercap.workers.pool import Request
from tasks.context import Context, Inputs, in_workers
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Iterator[tuple[CellSpec, Outcome]]:
    def request(spec: CellSpec) -> Request:
        diarization = Inputs(context, spec).record("diarize", Diarization)
        arguments = {
            "media": context.media(spec.clip).model_dump(mode="json"),
            "diarization": diarization.model_dump(mode="json") if diarization else None,
        }
        return Request("measure", arguments, context.recipe.limits.work_seconds)

    return in_workers(context, specs, request)
