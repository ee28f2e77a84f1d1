"""Planning: which cells a recipe asks for, which of them the store lacks, and why.

Every id is computed from the recipe and the catalogue alone, so `mercap plan` and `mercap annotate` see the same cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, overload

from mercap.identity import CELL_ID_CHARS, cell_id
from mercap.recipe import Recipe
from mercap.stages import MEDIA, SUBTITLE, Stage, plan_stages, supplied_transcribe
from storage.cells import CellIndex
from storage.schema import Status
from storage.store import Store
from tasks.clips import Clip
from tasks.context import CellSpec


class CellIds(Sequence[str]):
    """Cell ids in one string: a plan of a million clips and a dozen stages fits into memory."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._joined = "".join(ids)

    def __len__(self) -> int:
        return len(self._joined) // CELL_ID_CHARS

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._joined[place * CELL_ID_CHARS : (place + 1) * CELL_ID_CHARS]

    def __iter__(self) -> Iterator[str]:
        joined = self._joined
        return (joined[at : at + CELL_ID_CHARS] for at in range(0, len(joined), CELL_ID_CHARS))


class Plan:
    """The cells of ``clips`` under ``recipe``, stage by stage."""

    def __init__(self, recipe: Recipe, clips: Sequence[Clip]) -> None:
        self.recipe = recipe
        self.clips = list(clips)
        self.stages = plan_stages(recipe)
        self._supplied = supplied_transcribe()
        # What a stage can read, a column each, aligned with the clips: raw digests, then cell ids stage by stage.
        self._columns: dict[str, Sequence[str]] = {
            MEDIA: [clip.digest for clip in self.clips],
            SUBTITLE: [clip.subtitle_digest or "" for clip in self.clips],
        }
        for key in self.stages:
            self._columns[key] = CellIds(self._identify(key, place) for place in range(len(self.clips)))

    def stage(self, key: str, clip: Clip) -> Stage:
        """The stage as it applies to this clip: supplied words replace the recogniser."""
        return self._supplied if key == "transcribe" and clip.subtitle_digest else self.stages[key]

    def _inputs(self, stage: Stage, place: int) -> tuple[str, ...]:
        return tuple(self._columns[name][place] for name in stage.inputs)

    def _identify(self, key: str, place: int) -> str:
        stage = self.stage(key, self.clips[place])
        return cell_id(key, stage.config_digest, self._inputs(stage, place))

    def ids(self, key: str) -> Sequence[str]:
        """Cell ids of one stage, aligned with ``clips``."""
        return self._columns[key]

    def spec(self, key: str, place: int) -> CellSpec:
        stage = self.stage(key, self.clips[place])
        upstream = {name: self._columns[name][place] for name in stage.upstream}
        return CellSpec(stage, self.clips[place], self._columns[key][place], self._inputs(stage, place), upstream)


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
        places = self._places[number * self._size : (number + 1) * self._size]
        return [self._plan.spec(self._key, place) for place in places]


class StageState(NamedTuple):
    """Where the clips stand at one stage, aligned with the plan's clips, and which cells are to be computed."""

    key: str
    statuses: list[Status]
    missing: list[int]  # positions of clips whose cell is to be computed


def stage_state(plan: Plan, key: str, indexes: dict[str, CellIndex], before: dict[str, StageState]) -> StageState:
    """What is to be done at one stage; ``before`` holds the states of the stages it reads.

    A cell with a quarantined or blocked input is blocked. One that will be computed, for the first time or again, is
    pending; so a plan made before anything runs names every cell that may be computed.
    """
    index = indexes[key.partition(":")[0]]
    statuses: list[Status] = []
    missing: list[int] = []
    for place, identity in enumerate(plan.ids(key)):
        status = Status.BLOCKED if _is_blocked(plan, key, place, before) else index.status_if_done(identity)
        statuses.append(status or Status.PENDING)
        if status is None:
            missing.append(place)
    return StageState(key, statuses, missing)


def settled_state(plan: Plan, state: StageState, indexes: dict[str, CellIndex]) -> StageState:
    """The same stage after its shards have run: what was pending now has the status of its row, if it has one."""
    index = indexes[state.key.partition(":")[0]]
    index.refresh()
    statuses = [
        index.status(identity) if status is Status.PENDING else status
        for identity, status in zip(plan.ids(state.key), state.statuses, strict=True)
    ]
    return StageState(state.key, statuses, [])


def _is_blocked(plan: Plan, key: str, place: int, before: dict[str, StageState]) -> bool:
    stage = plan.stage(key, plan.clips[place])
    return any(before[name].statuses[place] in (Status.QUARANTINED, Status.BLOCKED) for name in stage.upstream)


def open_indexes(store: Store, plan: Plan, retried: Collection[str] = ()) -> dict[str, CellIndex]:
    """An index for every stage of the plan, up to date; ``retried`` are causes to be tried again."""
    indexes = {stage.name: CellIndex(store, stage.name, retried) for stage in plan.stages.values()}
    for index in indexes.values():
        index.refresh()
    return indexes
