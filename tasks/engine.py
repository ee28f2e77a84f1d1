"""Ask a model that runs inside this process, a batch at a time: what a worker with a GPU of its own does."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mercap.dispatch.journal import Entry, request_key
from mercap.errors import CellFailure
from mercap.outcome import failed
from mercap.roles import RoleOptions, Vllm
from tasks.asking import Question, questions, read_body, request_body, schema_of, usage_of
from tasks.context import Context
from tasks.role import Outcomes, Role
from tasks.spec import CellSpec

NOT_READY_S = 0.005


def ask_engine(context: Context, specs: list[CellSpec], role: Role, options: RoleOptions) -> Outcomes:
    """Outcomes batch by batch; shards take turns, for there is one engine. Raises UsageError where it cannot start."""
    assert isinstance(options, Vllm)
    with context.engines.turn(options) as engine:
        for batch in _batches(questions(context, specs, role, options), options.batch):
            asked = [question for question in batch if question.failed is None]
            yield from ((one.spec, one.failed) for one in batch if one.failed is not None)
            started = time.perf_counter()
            bodies = engine.chat(
                [question.messages for question in asked],
                temperature=1.0 if options.temperature == "default" else options.temperature,
                max_tokens=options.max_tokens,
                seed=options.seed,
                schema=schema_of(options),
            )
            seconds = (time.perf_counter() - started) / max(len(asked), 1)
            for question, body in zip(asked, bodies, strict=True):
                if isinstance(body, CellFailure):
                    yield question.spec, failed(body, seconds)
                    continue
                tried = context.cells.attempts(question.spec.stage.key, [question.spec.place])[0]
                entry = Entry(request_key("vllm", request_body(options, question.messages), tried), body, seconds, 1)
                outcome = read_body(context, question.spec, role, options, body)
                yield question.spec, outcome._replace(seconds=seconds, usage=usage_of(options, entry, question.audio_s))


def _batches(found: Iterator[Question | None], size: int) -> Iterator[list[Question]]:
    batch: list[Question] = []
    for question in found:
        if question is None:
            time.sleep(NOT_READY_S)
            continue
        batch.append(question)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
