"""Publishing by hand: after a restored backup, a deleted file, or to change which recipe the views show."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mercap.recipe import load_recipe
from mercap.stages import recipe_digest
from storage.publish import publish
from storage.snapshots import take_snapshot
from storage.store import Store


class Published(NamedTuple):
    snapshot: int
    recipe: str
    path: Path


def republish(store: Store, recipe: str) -> Published:
    """Snapshot the recipe's finished runs (unless nothing changed) and write the published file anew."""
    snapshot = take_snapshot(store, recipe_digest(load_recipe(recipe)))
    return Published(int(snapshot["id"]), str(snapshot["recipe"]), publish(store, snapshot))
