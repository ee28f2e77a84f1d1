"""One stage over one shard, a file each: read inputs from the store, call the library, write cells.

Plain functions; flows/ makes Prefect tasks of them. `STEPS` is the table of all of them.
"""

from __future__ import annotations

from tasks import describe, diarize, ingest, label, measure, merge, screen, transcribe, verdict, vote
from tasks.context import Step

STEPS: dict[str, Step] = {
    "ingest": ingest.run,
    "diarize": diarize.run,
    "transcribe": transcribe.run,
    "measure": measure.run,
    "describe_visual": describe.run_visual,
    "describe_audio": describe.run_audio,
    "merge": merge.run,
    "label": label.run,
    "screen": screen.run,
    "vote": vote.run,
    "verdict": verdict.run,
}
