"""Ask a model behind an endpoint about many cells at once, and read each answer into the record of its stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mercap.backends import api_key
from mercap.dispatch.budget import Cost
from mercap.dispatch.dispatcher import Call, Endpoint, Reply
from mercap.outcome import Outcome, failed
from mercap.roles import Chat, RoleOptions
from tasks.asking import Question, cost_of, questions, read_body, request_body, tokens_in, usage_of
from tasks.context import Context
from tasks.role import Outcomes, Role
from tasks.spec import CellSpec


def ask_endpoint(context: Context, specs: list[CellSpec], role: Role, options: RoleOptions) -> Outcomes:
    """Outcomes in the order in which answers come.

    Raises EndpointError where the endpoint cannot be used at all, BudgetSpent once the run may spend no more.
    """
    assert isinstance(options, Chat)
    asking = _Asking(context, specs, role, options)
    for reply in context.desk.ask(endpoint_of(options), asking.calls(), asking.admits):
        yield asking.outcome(reply)
    yield from asking.unasked
    if context.budget is not None:
        context.budget.check()


def endpoint_of(options: Chat) -> Endpoint:
    return Endpoint(
        options.base_url,
        concurrency=options.concurrency,
        requests_per_minute=options.requests_per_minute,
        tokens_per_minute=options.tokens_per_minute,
        timeout_s=options.timeout_s,
        attempts=options.attempts,
        key=api_key(options),
    )


@dataclass
class _Asking:
    """One shard's questions under way. Only the messages of those under way are held."""

    context: Context
    specs: list[CellSpec]
    role: Role
    options: Chat
    unasked: list[tuple[CellSpec, Outcome]] = field(default_factory=list)
    under_way: dict[int, Question] = field(default_factory=dict)
    aside: dict[int, Cost] = field(default_factory=dict)

    def calls(self) -> Iterator[Call | None]:
        for place, question in enumerate(questions(self.context, self.specs, self.role, self.options)):
            if question is None:
                yield None
            elif question.failed is not None:
                self.unasked.append((question.spec, question.failed))
            else:
                self.under_way[place] = question._replace(messages=[])
                tried = self.context.cells.attempts(question.spec.stage.key, [question.spec.place])[0]
                tokens = self.options.max_tokens + tokens_in(question.messages, question.audio_s)
                yield Call(place, request_body(self.options, question.messages), tokens, attempt=tried)

    def admits(self, call: Call) -> bool:
        """Whether the budget allows the most that this call can cost."""
        budget = self.context.budget
        if budget is None:
            return True
        most = Cost(
            call.tokens, self.options.price(round(call.tokens) - self.options.max_tokens, self.options.max_tokens)
        )
        if not budget.admits(most):
            return False
        self.aside[call.place] = most
        return True

    def outcome(self, reply: Reply) -> tuple[CellSpec, Outcome]:
        question = self.under_way.pop(reply.place)
        if reply.entry is None:
            failure = reply.failure
            assert failure is not None
            self._settle(reply.place, Cost(0.0, 0.0))
            return question.spec, failed(failure)
        usage = usage_of(self.options, reply.entry, question.audio_s)
        self._settle(reply.place, cost_of(usage))
        outcome = read_body(self.context, question.spec, self.role, self.options, reply.entry.body)
        return question.spec, outcome._replace(seconds=reply.entry.latency_s, usage=usage)

    def _settle(self, place: int, paid: Cost) -> None:
        if self.context.budget is not None and (aside := self.aside.pop(place, None)) is not None:
            self.context.budget.settle(aside, paid)
