"""The captions of the published snapshot, as training reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from storage.query import connect
from storage.store import Store

CaptionView = Literal["captions", "captions_plus"]
_ROWS_AT_ONCE = 10_000
# captions_plus is captions WHERE kept; a view's name cannot be a parameter.
_PLUS_ONLY = {"captions": False, "captions_plus": True}
_SQL = """
    SELECT c.clip, c.name, list(DISTINCT s.name ORDER BY s.name), c.transcript, c.caption, c.labels
    FROM captions AS c JOIN sources AS s ON s.clip = c.clip
    WHERE c.kept OR NOT ? GROUP BY ALL ORDER BY c.name"""


class Caption(NamedTuple):
    """``names`` are all names of the clip, in every collection; ``name`` is the one it stands under."""

    clip: str
    name: str
    names: tuple[str, ...]
    transcript: str
    caption: str
    labels: tuple[str, ...]


class Published(NamedTuple):
    """Which snapshot is published."""

    snapshot: int
    recipe: str
    recipe_digest: str


def read_published(store: Store) -> Published:
    """Raises StoreError where nothing is published."""
    with connect(store.published) as connection:
        row: Any = connection.execute("SELECT id, recipe, recipe_digest FROM snapshot").fetchone()
    return Published(int(row[0]), str(row[1]), str(row[2]))


def read_captions(store: Store, view: CaptionView) -> Iterator[Caption]:
    """Every row of the view, in the order of names. Raises StoreError where nothing is published."""
    with connect(store.published) as connection:
        cursor = connection.execute(_SQL, [_PLUS_ONLY[view]])
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            for clip, name, names, transcript, caption, labels in rows:
                yield Caption(clip, name, tuple(names), transcript or "", caption, tuple(labels or ()))


class Words(NamedTuple):
    """A clip, all its names, and what is said in it; empty where nothing is, or nobody listened."""

    clip: str
    names: tuple[str, ...]
    transcript: str


def read_words(store: Store) -> Iterator[Words]:
    """Every clip of the published snapshot that could be opened. Raises StoreError where nothing is published."""
    with connect(store.published) as connection:
        cursor = connection.execute("""
            SELECT c.clip, list(DISTINCT s.name ORDER BY s.name), any_value(t.text)
            FROM clips AS c JOIN sources AS s ON s.clip = c.clip LEFT JOIN transcripts AS t ON t.clip = c.clip
            WHERE c.status = 'ok' GROUP BY c.clip ORDER BY c.clip""")
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            for clip, names, transcript in rows:
                yield Words(clip, tuple(names), transcript or "")
