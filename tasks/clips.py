"""From rows of SOURCE to clips: hashing, duplicates, subtitles, consent. Nothing is decoded here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mercap.errors import CAUSES, CellFailure
from mercap.identity import digest_text
from mercap.media.subtitles import read_subtitle
from mercap.sources import CONSENT, SourceList, SourceRow
from storage.digests import DigestCache, FileState
from storage.runs import Source
from storage.schema import Status


class Clip(NamedTuple):
    """One content: where its bytes are, and the words supplied with it."""

    digest: str
    path: Path
    state: FileState
    name: str  # of the source that stands for it
    subtitle: str | None  # the supplied text, as it was read
    subtitle_digest: str | None


class Catalogue(NamedTuple):
    """What SOURCE came to: every name, and every distinct content among them."""

    sources: list[Source]
    clips: list[Clip]


class _Found(NamedTuple):
    row: SourceRow
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
    found = []
    for number, row in enumerate(listed.rows, start=1):
        found.append(_look(row, digests))
        hashed(number)
    groups: dict[str, list[_Found]] = {}
    for one in sorted(found, key=lambda one: one.row.name):
        if one.digest is not None and one.cause is None:
            groups.setdefault(one.digest, []).append(one)
    refused = {digest for digest, group in groups.items() if _consent(group) == "withdrawn"}
    sources = [_source(listed.collection, one, groups, refused) for one in found]
    clips = [_clip(digest, group) for digest, group in sorted(groups.items()) if digest not in refused]
    return Catalogue(sources, clips)


def _look(row: SourceRow, digests: DigestCache) -> _Found:
    """Open what the row names. Raises nothing: what is wrong becomes the row's cause."""
    if row.cause is not None or row.path is None:
        return _Found(row, cause=row.cause, message=row.message)
    try:
        digest, state = digests.digest(row.path)
    except FileNotFoundError:
        return _Found(row, cause="missing_file", message=f"{row.shown_path} is not there")
    except OSError as error:
        return _Found(row, cause="unreadable_file", message=f"{row.shown_path} cannot be read: {error.strerror}")
    try:
        return _Found(row, digest, state, _words(row))
    except CellFailure as failure:
        return _Found(row, cause=failure.cause, message=failure.message)


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


def _consent(group: Sequence[_Found]) -> str:
    return max((one.row.consent for one in group), key=CONSENT.index)


def _source(collection: str, one: _Found, groups: dict[str, list[_Found]], refused: set[str]) -> Source:
    row = one.row
    source = Source(
        collection,
        row.name,
        row.shown_path or None,
        one.digest,
        Status.OK,
        None,
        one.cause,
        one.message,
        digest_text(one.subtitle) if one.subtitle else None,
        row.licence,
        row.consent,
        _extra_json(row),
    )
    if one.cause is not None:
        return source._replace(status=Status.QUARANTINED)
    assert one.digest is not None
    if one.digest in refused:
        cause = "consent_withdrawn"
        return source._replace(status=Status.QUARANTINED, cause=cause, message=CAUSES[cause])
    first = groups[one.digest][0].row.name
    return source if row.name == first else source._replace(status=Status.DUPLICATE, duplicate_of=first)


def _extra_json(row: SourceRow) -> str | None:
    if not row.extra:
        return None
    text = json.dumps(row.extra, sort_keys=True, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()


def _clip(digest: str, group: Sequence[_Found]) -> Clip:
    first = group[0]
    assert first.row.path is not None
    assert first.state is not None
    words = next((one.subtitle for one in group if one.subtitle), None)
    return Clip(digest, first.row.path, first.state, first.row.name, words, digest_text(words) if words else None)
