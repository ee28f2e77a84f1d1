"""The Arrow schema of a part, and the version of everything on disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa

SCHEMA_VERSION = 2


class Status(StrEnum):
    """Where a name stands at one stage. Only the first three are stored as cells; the others follow from them."""

    OK = "ok"
    ABSENT = "absent"  # nothing to do: no audio, no face
    QUARANTINED = "quarantined"  # typed failure
    BLOCKED = "blocked"  # an input is quarantined
    DUPLICATE = "duplicate"  # same content as another name
    PENDING = "pending"  # not computed yet


SETTLED = (Status.OK, Status.ABSENT)


class CellRow(NamedTuple):
    """One attempt at one cell. `payload` is the JSON of the stage's record (mercap/records.py).

    The part it is written to adds a row id and the moment of the commit.
    """

    cell_id: str
    clip: str
    stage: str
    voter: str | None
    status: str
    config: str  # digest; the config itself is in configs/<digest>.json
    inputs: Sequence[str]  # raw digests and cell ids, in the order that made the cell id
    input_rows: Sequence[str]  # the row of each upstream cell that was actually read
    payload: str | None
    raw: str | None  # the model's reply, kept so that parsing again needs no call
    usage: str | None  # JSON of `mercap.outcome.Usage`: what the answer cost; null where nothing was asked
    cause: str | None
    message: str | None
    retryable: bool
    attempts: int
    run_id: str
    shard: int
    worker: str
    started_at: datetime
    seconds: float


CELL_SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("cell_id", pa.string(), nullable=False),
        pa.field("clip", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("voter", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("config", pa.string(), nullable=False),
        pa.field("inputs", pa.list_(pa.string()), nullable=False),
        pa.field("input_rows", pa.list_(pa.string()), nullable=False),
        pa.field("payload", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("usage", pa.string()),
        pa.field("cause", pa.string()),
        pa.field("message", pa.string()),
        pa.field("retryable", pa.bool_(), nullable=False),
        pa.field("attempts", pa.int32(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("worker", pa.string(), nullable=False),
        pa.field("started_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("committed_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ],
    metadata={"mercap_schema": str(SCHEMA_VERSION)},
)

SOURCE_SCHEMA = pa.schema(
    [
        pa.field("collection", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("clip", pa.string()),
        pa.field("status", pa.string(), nullable=False),  # ok, duplicate or quarantined
        pa.field("duplicate_of", pa.string()),
        pa.field("cause", pa.string()),
        pa.field("message", pa.string()),
        pa.field("subtitle", pa.string()),  # digest of the supplied text
        pa.field("licence", pa.string()),
        pa.field("consent", pa.string()),
        pa.field("extra", pa.string()),  # JSON of the manifest's other columns
    ],
    metadata={"mercap_schema": str(SCHEMA_VERSION)},
)

CURRENT_SCHEMA = pa.schema(
    [
        pa.field("clip", pa.string(), nullable=False),
        pa.field("stage_key", pa.string(), nullable=False),
        pa.field("cell_id", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("row_id", pa.string()),  # null where the status is blocked or pending
    ],
    metadata={"mercap_schema": str(SCHEMA_VERSION)},
)


def cells_table(rows: list[CellRow], row_ids: list[str], committed_at: datetime) -> Any:
    """A pyarrow table of the rows, under the explicit schema (types never drift between parts)."""
    names = CellRow._fields
    columns: dict[str, Any] = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    columns["row_id"] = row_ids
    arrays = {field.name: pa.array(columns[field.name], field.type) for field in CELL_SCHEMA if field.name in columns}
    arrays["committed_at"] = pa.repeat(pa.scalar(committed_at, CELL_SCHEMA.field("committed_at").type), len(rows))
    return pa.table([arrays[name] for name in CELL_SCHEMA.names], schema=CELL_SCHEMA)
