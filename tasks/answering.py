"""Who answers: one table from back-end to the way in which it is asked. A step asks for its role and knows no more."""

from __future__ import annotations

from collections.abc import Mapping

from mercap.backends import scripted
from mercap.outcome import Answer, attempt
from mercap.records import Record
from mercap.roles import RoleOptions, Scripted
from tasks.context import Context, in_place
from tasks.endpoint import ask_endpoint
from tasks.engine import ask_engine
from tasks.role import Outcomes, Role, Way
from tasks.spec import CellSpec


def ask_instrument(context: Context, specs: list[CellSpec], role: Role, _options: RoleOptions) -> Outcomes:
    """Our own instrument, here: it takes microseconds."""

    def answer(spec: CellSpec) -> Record:
        return role.embedded(context, spec)

    return in_place(specs, lambda spec: attempt(lambda: answer(spec)))


def ask_double(context: Context, specs: list[CellSpec], role: Role, options: RoleOptions) -> Outcomes:
    """The deterministic double."""
    assert isinstance(options, Scripted)

    def answer(spec: CellSpec) -> Answer:
        return scripted.ask(options, spec.stage.name, spec.clip.digest, role.values(context, spec))

    return in_place(specs, lambda spec: attempt(lambda: answer(spec)))


WAYS: Mapping[str, Way] = {
    "embedded": ask_instrument,
    "scripted": ask_double,
    "openai": ask_endpoint,
    "vllm": ask_engine,
}


def answer_role(
    context: Context, specs: list[CellSpec], role: Role, options: RoleOptions, more: Mapping[str, Way] | None = None
) -> Outcomes:
    """Outcomes of all cells, in whatever order; ``more`` are ways that only this role knows."""
    return {**WAYS, **(more or {})}[options.backend](context, specs, role, options)
