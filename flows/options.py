"""What a run is asked to do: one typed object, the same for the command line, Prefect and tests."""

from __future__ import annotations

import os

from pydantic import BaseModel, ConfigDict, Field

from mercap.errors import CAUSES

ALL_CAUSES = "all"


class AnnotateOptions(BaseModel):
    """Parameters of `annotate`. None of them changes what a cell means, except ``recipe``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="folder, glob or manifest")
    store: str = Field(description="folder of the store; made if it is new")
    recipe: str = Field(default="embedded", description="name of a shipped recipe, or the path of a .toml file")
    limit: int | None = Field(default=None, ge=1, description="take only the first N names")
    shard_size: int = Field(default=500, ge=1, le=10_000, description="clips per shard")
    max_quarantine: float = Field(
        default=0.05, ge=0, le=1, description="share of names that may be quarantined (exit code 3)"
    )
    retry_quarantined: str | None = Field(
        default=None, description="try quarantined cells of this cause again; all: of every cause"
    )
    budget: str | None = Field(
        default=None, description="what may be spent on models, as 20USD or 1.5Mtok; the run stops before more is spent"
    )
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="worker processes")

    @property
    def retried(self) -> frozenset[str]:
        """Causes whose quarantined cells are tried again."""
        if self.retry_quarantined is None:
            return frozenset()
        return frozenset(CAUSES) if self.retry_quarantined == ALL_CAUSES else frozenset({self.retry_quarantined})
