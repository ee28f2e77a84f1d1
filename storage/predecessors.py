"""What each clip's cells were last computed from: tells `mercap plan` why a cell is missing now."""

from __future__ import annotations

from typing import Any, NamedTuple

from storage.store import Store


class Predecessor(NamedTuple):
    """The newest cell of a stage and clip, under whatever config."""

    config: str
    inputs: list[str]


class Predecessors:
    """Per clip, what a stage was last computed from: tells why a cell is missing now."""

    def __init__(self, store: Store, stage_key: str) -> None:
        self.store = store
        self._stage, _, voter = stage_key.partition(":")
        self._voter = voter or None
        self._newest: dict[str, tuple[int, Predecessor]] | None = None

    def newest(self, clip: str) -> Predecessor | None:
        if self._newest is None:
            self._newest = {}
            for path in self.store.parts(self._stage):
                self._take(self.store.read_part(path, ("clip", "voter", "config", "inputs", "committed_at")))
        found = self._newest.get(clip)
        return found[1] if found else None

    def _take(self, table: Any) -> None:
        assert self._newest is not None
        micros = table["committed_at"].cast("int64").to_pylist()
        columns = [table[name].to_pylist() for name in ("clip", "voter", "config", "inputs")]
        for clip, voter, config, inputs, committed in zip(*columns, micros, strict=True):
            if voter == self._voter and (clip not in self._newest or committed >= self._newest[clip][0]):
                self._newest[clip] = (committed, Predecessor(config, inputs))
