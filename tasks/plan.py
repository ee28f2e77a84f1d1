"""Planning: which cells a recipe asks for, which of them the store lacks, and why.

Every id is computed from the recipe and the catalogue alone, so `mercap plan` and `mercap annotate` see the same cells.
What has a value per clip lies in files without names (storage/clip_columns.py) and is worked on in blocks of clips, so
that a plan of a million clips needs little more memory than one of a thousand.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from mercap.identity import CELL_ID_CHARS, DIGEST_CHARS, cell_id
from mercap.recipe import Recipe
from mercap.spool import blocks
from mercap.stages import MEDIA, SUBTITLE, Stage, plan_stages, supplied_transcribe
from storage.cells import CODES, PENDING, CellIndex
from storage.clip_columns import Ids
from storage.schema import Status
from storage.store import Store
from tasks.clips import Clip
from tasks.spec import CellSpec


class Plan:
    """The cells of ``clips`` under ``recipe``, stage by stage. Places are places in ``clips``."""

    def __init__(self, recipe: Recipe, clips: Sequence[Clip]) -> None:
        self.recipe = recipe
        self.clips = clips
        self.stages = plan_stages(recipe)
        self.digests = Ids(DIGEST_CHARS)
        self._supplied = supplied_transcribe()
        self._ids = {key: Ids(CELL_ID_CHARS) for key in self.stages}
        supplied = bytearray()
        for first, last in blocks(len(clips)):
            block = clips[first:last]
            supplied += bytes(clip.subtitle_digest is not None for clip in block)
            self._identify(block)
        self._has_subtitle = np.frombuffer(supplied, np.bool_)

    def _identify(self, clips: Sequence[Clip]) -> None:
        """The ids of one block. What a stage can read, a list each: raw digests, then cell ids stage by stage."""
        read = {MEDIA: [clip.digest for clip in clips], SUBTITLE: [clip.subtitle_digest or "" for clip in clips]}
        self.digests.extend(read[MEDIA])
        for key in self.stages:
            stage = self.stages[key]
            ids = _cell_ids(stage, read)
            if key == self._supplied.key:
                others = _cell_ids(self._supplied, read)
                ids = [other if words else own for own, other, words in zip(ids, others, read[SUBTITLE], strict=True)]
            read[key] = ids
            self._ids[key].extend(ids)

    def stage(self, key: str, clip: Clip) -> Stage:
        """The stage as it applies to this clip: supplied words replace the recogniser."""
        return self._supplied if key == self._supplied.key and clip.subtitle_digest else self.stages[key]

    def ids(self, key: str) -> Ids:
        """Cell ids of one stage, aligned with ``clips``."""
        return self._ids[key]

    def specs(self, key: str, places: Sequence[int]) -> list[CellSpec]:
        """The cells of one stage at ``places``, which ascend."""
        if not places:
            return []
        first, last = places[0], places[-1] + 1
        clips, at = self.clips[first:last], [place - first for place in places]
        if len(places) < last - first:
            clips = [clips[one] for one in at]
        read = {MEDIA: [clip.digest for clip in clips], SUBTITLE: [clip.subtitle_digest or "" for clip in clips]}
        for name in (key, *self.stages[key].inputs):
            if name in self._ids:
                ids = self._ids[name][first:last]
                read[name] = [ids[one] for one in at]
        if key == self._supplied.key:
            inputs = zip(_inputs(self.stages[key], read), _inputs(self._supplied, read), strict=True)
            return [
                CellSpec(self.stage(key, clip), clip, place, identity, supplied if clip.subtitle_digest else heard)
                for clip, place, identity, (heard, supplied) in zip(clips, places, read[key], inputs, strict=True)
            ]
        stage = self.stages[key]
        columns = zip(clips, places, read[key], _inputs(stage, read), strict=True)
        return [CellSpec(stage, clip, place, identity, given) for clip, place, identity, given in columns]

    def blocked(self, key: str, first: int, last: int, before: dict[str, StageState]) -> NDArray[np.bool_]:
        """Which clips of a block have a quarantined or blocked input at this stage."""
        stage = self.stages[key]
        found = _any_failed(stage, first, last, before)
        if key == self._supplied.key:
            found = np.where(self._has_subtitle[first:last], _any_failed(self._supplied, first, last, before), found)
        return found


def _cell_ids(stage: Stage, read: dict[str, list[str]]) -> list[str]:
    config = stage.config_digest
    return [cell_id(stage.key, config, given) for given in _inputs(stage, read)]


def _inputs(stage: Stage, read: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    return zip(*(read[name] for name in stage.inputs), strict=True)


def _any_failed(stage: Stage, first: int, last: int, before: dict[str, StageState]) -> NDArray[np.bool_]:
    found = np.zeros(last - first, np.bool_)
    for name in stage.upstream:
        found |= np.isin(before[name].codes[first:last], (CODES[Status.QUARANTINED], CODES[Status.BLOCKED]))
    return found


class Shards(Sequence[list[CellSpec]]):
    """The missing cells of one stage in shards of ``size``, each put together when it is asked for."""

    def __init__(self, plan: Plan, key: str, places: Sequence[int], size: int) -> None:
        self._plan, self._key, self._places, self._size = plan, key, places, size

    def __len__(self) -> int:
        return -(-len(self._places) // self._size)

    @overload
    def __getitem__(self, number: int) -> list[CellSpec]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[CellSpec]]: ...
    def __getitem__(self, number: int | slice) -> list[CellSpec] | list[list[CellSpec]]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._plan.specs(self._key, self._places[number * self._size : (number + 1) * self._size])


class StageState(NamedTuple):
    """Where the clips stand at one stage, aligned with the plan's clips, and which cells are to be computed."""

    key: str
    codes: NDArray[np.uint8]  # of statuses (storage/cells.py)
    missing: array[int]  # places of clips whose cell is to be computed

    def count(self, status: Status) -> int:
        return int((self.codes == CODES[status]).sum())


def stage_state(plan: Plan, key: str, cells: CellIndex, before: dict[str, StageState]) -> StageState:
    """What is to be done at one stage; ``before`` holds the states of the stages it reads.

    A cell with a quarantined or blocked input is blocked. One that will be computed, for the first time or again, is
    pending; so a plan made before anything runs names every cell that may be computed.
    """
    codes = np.zeros(len(plan.clips), np.uint8)
    for first, last in blocks(len(codes)):
        blocked = plan.blocked(key, first, last, before)
        codes[first:last] = np.where(blocked, CODES[Status.BLOCKED], cells.standing(key, first, last))
    return StageState(key, codes, array("q", np.flatnonzero(codes == PENDING).tobytes()))


def settled_state(state: StageState, cells: CellIndex) -> StageState:
    """The same stage after its shards have run: what was pending now has the status of its row, if it has one."""
    cells.refresh(state.key)
    codes = state.codes.copy()
    for first, last in blocks(len(codes)):
        block = codes[first:last]
        codes[first:last] = np.where(block == PENDING, cells.statuses(state.key, first, last), block)
    return StageState(state.key, codes, array("q"))


def open_index(store: Store, plan: Plan, retried: Collection[str] = ()) -> CellIndex:
    """Where the cells of the plan lie, up to date; ``retried`` are causes to be tried again."""
    return CellIndex(store, plan.digests, {key: plan.ids(key) for key in plan.stages}, retried)
