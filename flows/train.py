"""The Prefect flow `train`: one task, which a retry goes on with from the newest checkpoint.

For a worker on a machine with a GPU: ``prefect worker start --pool mercap-gpu`` (prefect.yaml). Prefect says where and
when; the run's folder says how far it has come.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.retry import is_worth_a_retry
from flows.training import TrainReport, train_model, training_options
from flows.training_options import TrainRequest

if TYPE_CHECKING:
    from mercap.affectgpt.training.events import Event


def run_name() -> str:
    """``train-<preset>-<recipe>-<run>``."""
    request = TrainRequest.model_validate(flow_run.parameters["request"])
    return f"train-{request.preset}-{request.recipe}-{Path(request.out).name}"


@task(
    name="fit",
    retries=2,
    retry_delay_seconds=10,
    retry_condition_fn=is_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def fit_model(request: TrainRequest) -> TrainReport:
    """Train until the last step, or ``until``."""
    return train_model(request, _Shown(training_options(request).steps))


@flow(name="train", flow_run_name=run_name, persist_result=False)
def train(request: TrainRequest) -> dict[str, Any]:
    """Train a model; the result is what ``mercap train --json`` prints."""
    report = fit_model(request)
    found = report.as_json()
    create_markdown_artifact(
        f"```json\n{json.dumps(found, indent=2)}\n```", key="training", description=f"Run {report.run}"
    )
    return found


class _Shown:
    """Events in the log and as one progress artifact."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._logger = get_run_logger()
        self._artifact: UUID | None = None

    def __call__(self, event: Event) -> None:
        if event.kind == "step":
            return
        percent = 100.0 * event.step / self._steps
        self._logger.info("step %d: %s %s", event.step, event.kind, event.note or "")
        if self._artifact is None:
            self._artifact = create_progress_artifact(percent, key="training-progress")  # type: ignore[assignment]
        else:
            update_progress_artifact(self._artifact, percent)
