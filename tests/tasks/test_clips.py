from __future__ import annotations

import random
from pathlib import Path

import pytest

from mercap.sources.rows import CONSENT, SourceList, SourceRow
from storage.digests import DigestCache
from tasks.clips import Catalogue, catalogue


def listed(folder: Path, *rows: tuple[str, bytes, str, str | None]) -> SourceList:
    """Rows of (name, content, consent, words) as they come out of a manifest."""
    made = []
    for name, content, consent, words in rows:
        path = folder / f"{name}.mp4"
        path.write_bytes(content)
        made.append(SourceRow(name, path, path.name, None, words, None, consent, {}))
    return SourceList("collection", made)


def made_of(folder: Path, source: SourceList) -> Catalogue:
    return catalogue(source, DigestCache(folder / "digests.parquet"))


def test_one_content_under_two_names_is_one_clip_and_two_sources(tmp_path: Path) -> None:
    found = made_of(tmp_path, listed(tmp_path, ("b", b"x", "any", None), ("a", b"x", "any", None)))
    assert [(clip.name, clip.path.name) for clip in found.clips] == [("a", "a.mp4")]
    assert [(source.name, source.status, source.duplicate_of) for source in found.sources] == [
        ("b", "duplicate", "a"), ("a", "ok", None),
    ]  # fmt: skip


def test_the_words_come_from_the_first_name_that_has_any(tmp_path: Path) -> None:
    rows = (("a", b"x", "any", None), ("b", b"x", "any", "second"), ("c", b"x", "any", "third"))
    (clip,) = made_of(tmp_path, listed(tmp_path, *rows)).clips
    assert clip.subtitle == "second"


def test_a_consent_withdrawn_under_one_name_holds_for_all(tmp_path: Path) -> None:
    found = made_of(tmp_path, listed(tmp_path, ("a", b"x", "any", None), ("b", b"x", "withdrawn", None)))
    assert list(found.clips) == []
    assert {(source.status, source.cause) for source in found.sources} == {("quarantined", "consent_withdrawn")}


def test_withdrawn_is_the_strictest_consent_there_is() -> None:
    assert CONSENT[-1] == "withdrawn"


def test_a_broken_subtitle_quarantines_its_source_with_a_sentence(tmp_path: Path) -> None:
    source = listed(tmp_path, ("a", b"x", "any", None))
    (tmp_path / "a.srt").write_bytes(b"\xff\xfe\x00broken")
    found = made_of(tmp_path, source._replace(rows=[source.rows[0]._replace(subtitle=tmp_path / "a.srt")]))
    assert (found.sources[0].status, found.sources[0].cause) == ("quarantined", "bad_subtitle")
    assert list(found.clips) == []


def test_a_missing_file_is_a_quarantined_source(tmp_path: Path) -> None:
    source = listed(tmp_path, ("a", b"x", "any", None))
    (tmp_path / "a.mp4").unlink()
    found = made_of(tmp_path, source)
    assert (found.sources[0].status, found.sources[0].cause, found.sources[0].clip) == (
        "quarantined",
        "missing_file",
        None,
    )


@pytest.mark.parametrize("seed", range(5))
def test_clips_do_not_depend_on_the_order_of_the_rows(tmp_path: Path, seed: int) -> None:
    rows = [
        (f"n{number}", bytes([number % 3]), "any", f"words {number}" if number % 2 else None) for number in range(9)
    ]
    source = listed(tmp_path, *rows)
    shuffled = list(source.rows)
    random.Random(seed).shuffle(shuffled)
    first, second = made_of(tmp_path, source), made_of(tmp_path, source._replace(rows=shuffled))
    assert list(first.clips) == list(second.clips)
    assert sorted(map(str, first.sources)) == sorted(map(str, second.sources))
