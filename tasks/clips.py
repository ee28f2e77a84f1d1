"""From rows of SOURCE to clips: hashing, duplicates, subtitles, consent. Nothing is decoded here."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mercap.errors import CAUSES, CellFailure
from mercap.identity import digest_text
from mercap.media.subtitles import read_subtitle
from mercap.sources.rows import CONSENT, SourceList, SourceRow
from mercap.spool import Spool
from storage.digests import DigestCache, FileState
from storage.runs import Source
from storage.schema import Status

_REFUSED = -1  # in place of a place


class Clip(NamedTuple):
    """One content: where its bytes are, and the words supplied with it."""

    digest: str
    file: str  # its path
    size: int
    mtime_ns: int
    name: str  # of the source that stands for it
    subtitle: str | None  # the supplied text, as it was read
    subtitle_digest: str | None

    @property
    def path(self) -> Path:
        return Path(self.file)


class Catalogue(NamedTuple):
    """What SOURCE came to: every name as it is listed, and every distinct content among them by digest."""

    sources: Sequence[Source]
    clips: Sequence[Clip]


class _Found(NamedTuple):
    """What a row's files are, or why they are nothing."""

    digest: str | None = None
    state: FileState | None = None
    subtitle: str | None = None
    cause: str | None = None
    message: str | None = None


def catalogue(listed: SourceList, digests: DigestCache, hashed: Callable[[int], None] = lambda _: None) -> Catalogue:
    """Hash what is listed and tell distinct contents from other names for the same one.

    A clip stands under its alphabetically first name; the words supplied with it come from the first name that
    has any. The strictest consent among its names holds for all of them.
    """
    rows = listed.rows
    found = Spool(_Found)
    for number, row in enumerate(rows, start=1):
        found.append(_look(row, digests))
        hashed(number)
    stands = array("q", bytes(8 * len(rows)))  # the place of the row that stands for each, or that it is refused
    clips = Spool(Clip)
    for digest, places in _contents(found):
        group = sorted(((rows[place], place) for place in places), key=lambda one: one[0].name)
        refused = max((row.consent for row, _ in group), key=CONSENT.index) == "withdrawn"
        for place in places:
            stands[place] = _REFUSED if refused else group[0][1]
        if not refused:
            clips.append(_clip(digest, group[0][0], [found[place] for _, place in group]))
    sources = Spool(Source)
    for place, row in enumerate(rows):
        first = None if stands[place] in (_REFUSED, place) else rows[stands[place]].name
        sources.append(_source(listed.collection, row, found[place], first, refused=stands[place] == _REFUSED))
    return Catalogue(sources, clips)


def _contents(found: Sequence[_Found]) -> Iterator[tuple[str, list[int]]]:
    """Each content that is fit to be a clip, by digest, with the places of its names."""
    digests, places = bytearray(), array("q")
    for place, one in enumerate(found):
        if one.digest is not None and one.cause is None:
            digests += bytes.fromhex(one.digest)
            places.append(place)
    words = np.frombuffer(digests, ">u8").reshape(len(places), 4)
    order = np.lexsort(words.T[::-1])
    words = words[order]
    begins = np.flatnonzero(np.any(words[1:] != words[:-1], axis=1)) + 1
    for first, last in pairwise([0, *begins.tolist(), len(order)] if len(order) else []):
        yield words[first].tobytes().hex(), [places[one] for one in order[first:last].tolist()]


def _look(row: SourceRow, digests: DigestCache) -> _Found:
    """Open what the row names. Raises nothing: what is wrong becomes the row's cause."""
    if row.cause is not None or row.path is None:
        return _Found(cause=row.cause, message=row.message)
    try:
        digest, state = digests.digest(row.path)
    except FileNotFoundError:
        return _Found(cause="missing_file", message=f"{row.shown_path} is not there")
    except OSError as error:
        return _Found(cause="unreadable_file", message=f"{row.shown_path} cannot be read: {error.strerror}")
    try:
        return _Found(digest, state, _words(row))
    except CellFailure as failure:
        return _Found(cause=failure.cause, message=failure.message)


def _words(row: SourceRow) -> str | None:
    if row.text is not None:
        return row.text
    if row.subtitle is None:
        return None
    try:
        text = read_subtitle(row.subtitle.read_bytes())
    except OSError as error:
        raise CellFailure(
            "bad_subtitle", f"the subtitle {row.subtitle.name} cannot be read: {error.strerror}"
        ) from None
    return text or None


def _source(collection: str, row: SourceRow, found: _Found, first: str | None, *, refused: bool) -> Source:
    """``first`` is the name that stands for this one, if it is another."""
    source = Source(
        collection,
        row.name,
        row.shown_path or None,
        found.digest,
        Status.OK,
        None,
        found.cause,
        found.message,
        digest_text(found.subtitle) if found.subtitle else None,
        row.licence,
        row.consent,
        _extra_json(row),
    )
    if found.cause is not None:
        return source._replace(status=Status.QUARANTINED)
    if refused:
        cause = "consent_withdrawn"
        return source._replace(status=Status.QUARANTINED, cause=cause, message=CAUSES[cause])
    return source if first is None else source._replace(status=Status.DUPLICATE, duplicate_of=first)


def _extra_json(row: SourceRow) -> str | None:
    if not row.extra:
        return None
    text = json.dumps(row.extra, sort_keys=True, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()


def _clip(digest: str, row: SourceRow, group: Sequence[_Found]) -> Clip:
    """``row`` and the first of ``group`` are of the name that the clip stands under."""
    assert row.path is not None
    assert group[0].state is not None
    words = next((one.subtitle for one in group if one.subtitle), None)
    size, mtime_ns = group[0].state
    return Clip(digest, str(row.path), size, mtime_ns, row.name, words, digest_text(words) if words else None)
