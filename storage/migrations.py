"""Reading what an older mercap wrote.

Parts are immutable, so nothing on disk is rewritten: a part of schema version n is brought up to date when it is read,
by every step from n on. A step is a small function of one table; published versions of a step never change. A store
written by a newer mercap is refused with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mercap.errors import StoreError
from storage.schema import SCHEMA_VERSION

Step = Callable[[Any], Any]

# STEPS[0] brings a part of version 1 to version 2, and so on. The first version has nothing to bring up to date.
STEPS: tuple[Step, ...] = ()


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
