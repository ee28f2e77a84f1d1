"""What a runner tells whoever watches: a terminal, a Prefect artifact, or nobody."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """``cell_done`` is called by whichever thread computed the cell, the others by the run's main thread.

    ``note`` is one short sentence.
    """

    def scanned(self, done: int, total: int) -> None: ...
    def stage_started(self, stage_key: str, cells: int) -> None: ...
    def cell_done(self, stage_key: str) -> None: ...
    def stage_done(self, stage_key: str) -> None: ...
    def note(self, text: str) -> None: ...


class Silent:
    """Nobody watches."""

    def scanned(self, done: int, total: int) -> None:
        pass

    def stage_started(self, stage_key: str, cells: int) -> None:
        pass

    def cell_done(self, stage_key: str) -> None:
        pass

    def stage_done(self, stage_key: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass
