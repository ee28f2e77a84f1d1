"""Reading what an older mercap wrote.

Parts are immutable, so nothing on disk is rewritten: a part of schema version n is brought up to date when it is read,
by every step from n on. A step is a small function of one table; published versions of a step never change. A store
written by a newer mercap is refused with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from mercap.errors import StoreError
from storage.schema import SCHEMA_VERSION

Step = Callable[[Any], Any]


def _add_usage(table: Any) -> Any:
    """Version 2: cells say what their answer cost."""
    if "raw" not in table.column_names:  # only cells have one
        return table
    place = table.column_names.index("raw") + 1
    return table.add_column(place, pa.field("usage", pa.string()), pa.nulls(len(table), pa.string()))


# STEPS[0] brings a part of version 1 to version 2, and so on.
STEPS: tuple[Step, ...] = (_add_usage,)


def schema_version(schema: Any) -> int:
    """The version an Arrow schema says it was written with. Raises StoreError for a file that is none of ours."""
    metadata = schema.metadata or {}
    try:
        return int(metadata[b"mercap_schema"])
    except (KeyError, ValueError):
        raise StoreError("A part of this store was not written by mercap; run: mercap verify --store DIR") from None


def migrate(table: Any, steps: Sequence[Step] = STEPS, target: int = SCHEMA_VERSION) -> Any:
    """The table as the current version would have written it. Raises StoreError for a newer one."""
    assert len(steps) == target - 1, "one step per version"
    version = schema_version(table.schema)
    check_version(version, target)
    for step in steps[version - 1 :]:
        table = step(table)
    return table


def check_version(version: int, target: int = SCHEMA_VERSION) -> None:
    if version > target:
        raise StoreError(
            f"This store was written by a newer mercap (schema {version}, this one reads {target}); upgrade mercap."
        )
