"""The read-only counterpart of `annotate`: the same sources, recipe and plan, nothing computed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from flows.options import AnnotateOptions
from flows.run import check
from storage.digests import DigestCache
from tasks.clips import catalogue
from tasks.forecast import StageForecast, forecast


class RunForecast(NamedTuple):
    names: int
    clips: int
    quarantined: int  # names that already fail before any stage
    duplicates: int
    currency: str  # of the prices
    stages: list[StageForecast]


def forecast_run(source: str, store: Path, recipe: str, limit: int | None) -> RunForecast:
    """Raises MercapError as `annotate` would."""
    checked, listed = check(AnnotateOptions(source=source, store=str(store), recipe=recipe, limit=limit))
    found = catalogue(listed, DigestCache(store / "digests.parquet"))
    statuses = [row.status for row in found.sources]
    return RunForecast(
        len(statuses),
        len(found.clips),
        statuses.count("quarantined"),
        statuses.count("duplicate"),
        checked.currency,
        forecast(store, checked, found.clips),
    )
