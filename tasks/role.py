"""A role, as its stage describes it to whoever is to fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mercap.cues.questions import Messages
from mercap.media.excerpt import Excerpt
from mercap.outcome import Outcome
from mercap.records import Record
from mercap.roles import Asked, RoleOptions
from tasks.context import Context
from tasks.spec import CellSpec


def no_instrument(_context: Context, _spec: CellSpec) -> Record:
    """In place of ``embedded`` in a role that has no instrument of our own."""
    raise AssertionError("no recipe can ask for this")


class Role(NamedTuple):
    """How one stage puts its question, in every form that a back-end can take it.

    Each may raise NothingToDo or CellFailure for its cell. ``embedded`` answers itself; ``values`` is what the double
    is given; ``messages`` is what a model is asked, with what it is shown or played, and ``read`` makes a record of its
    reply.
    """

    embedded: Callable[[Context, CellSpec], Record]
    values: Callable[[Context, CellSpec], dict[str, Any]]
    messages: Callable[[Context, CellSpec, Asked, Excerpt | None], Messages]
    read: Callable[[Context, CellSpec, Asked, str], Record]


Outcomes = Iterator[tuple[CellSpec, Outcome]]
# One way of having a role filled: every back-end has one.
Way = Callable[[Context, list[CellSpec], Role, RoleOptions], Outcomes]
