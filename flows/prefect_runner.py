"""Running the flow from the command line: with ``PREFECT_API_URL`` on that server, else on one that lives as long.

Prefect reads its settings when it is imported, so they are set here first. A server of its own needs 15 to 35 s to
start on a small machine and prints tracebacks when it is stopped; both are dealt with here.
"""

from __future__ import annotations

import os
from typing import Any

from flows.observer import Observer
from flows.options import AnnotateOptions
from flows.run import Report, check

_SETTINGS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",  # it logs a traceback of what is raised here anyway, be it only a sentence
    "DO_NOT_TRACK": "1",
}


def annotate_with_prefect(options: AnnotateOptions, observer: Observer) -> Report:
    """Raises MercapError for what a person must mend, KeyboardInterrupt when interrupted."""
    check(options)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    observer.note("starting Prefect")
    # Imported here because Prefect takes seconds to import and reads the settings above when it is.
    from prefect import flow
    from prefect.task_runners import ThreadPoolTaskRunner

    from flows.annotate import WINDOW, annotate_under_prefect, run_name

    found: list[Report] = []

    def annotate(options: AnnotateOptions) -> None:
        found.append(annotate_under_prefect(options, observer))

    runner: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=WINDOW)
    decorate = flow(name="annotate", flow_run_name=run_name, task_runner=runner)  # type: ignore[arg-type]
    decorate(annotate)(options)
    return found[0]
