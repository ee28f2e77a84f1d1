"""A rehearsal: a few clips through every stage in a store of their own, with what was asked and what was answered."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import run_in_threads
from flows.run import begin, finish, run_stages
from mercap.cues.questions import Messages, plain_messages
from mercap.dispatch.desk import Desk
from storage.inspect import ClipView, inspect_name
from storage.store import Store
from storage.usage import spend
from tasks.spec import CellSpec


class PreviewedClip(NamedTuple):
    """``asked`` is, by cell id, what a model was asked: (role, text) each."""

    name: str
    clip: ClipView
    asked: dict[str, list[tuple[str, str]]]


class Preview(NamedTuple):
    clips: list[PreviewedClip]
    spend: list[dict[str, object]]


def preview_run(source: str, recipe: str, count: int, store: Path | None) -> Preview:
    """Answers that cost something are kept in the journal of ``store``, if one is given. Raises MercapError."""
    asked: dict[str, list[tuple[str, str]]] = {}

    def note(spec: CellSpec, messages: Messages) -> None:
        asked[spec.cell_id] = plain_messages(messages)

    with tempfile.TemporaryDirectory(prefix="mercap-preview-") as folder:
        options = AnnotateOptions(source=source, store=folder, recipe=recipe, limit=count)
        with begin(options, "plain", Silent()) as run:
            run.context.asked = note
            if store is not None:
                run.context.desk = Desk(Store.create(store).root / "journal")
            run_stages(run, run_in_threads, Silent())
            finish(run, Silent())
            names = [row.name for row in run.catalogue.sources]
            clips = [PreviewedClip(name, inspect_name(run.store, name), asked) for name in names]
            return Preview(clips, spend(run.store))
