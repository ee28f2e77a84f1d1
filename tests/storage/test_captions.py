"""What training and inference read of a published snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import annotate_plainly
from mercap.errors import StoreError
from storage.captions import read_captions, read_published, read_words
from storage.query import query
from storage.store import Store
from tests.lab import Lab


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    lab = Lab(tmp_path_factory.mktemp("captions"))
    lab.write_recipe()
    lab.fill(3)
    (lab.clips / "again.mp4").write_bytes((lab.clips / "clip01.mp4").read_bytes())
    (lab.clips / "clip00.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nI am glad\n")
    annotate_plainly(
        AnnotateOptions(source=str(lab.clips), store=str(lab.store), recipe=str(lab.recipe), workers=1), Silent()
    )
    return Store.open(lab.store)


def test_captions_are_those_of_the_view_with_every_name_of_the_clip(store: Store) -> None:
    found = list(read_captions(store, "captions"))
    view = query(store, "SELECT clip, name, caption, labels, coalesce(transcript, '') FROM captions ORDER BY name").rows
    assert [(one.clip, one.name, one.caption, list(one.labels), one.transcript) for one in found] == view
    assert ("again", "clip01") in [one.names for one in found]
    assert "I am glad" in [one.transcript for one in found]


def test_the_fine_view_is_the_captions_that_were_kept(store: Store) -> None:
    plus = [row[0] for row in query(store, "SELECT name FROM captions_plus ORDER BY name").rows]
    assert [one.name for one in read_captions(store, "captions_plus")] == plus


def test_words_are_read_of_every_clip_also_of_those_without_caption(store: Store) -> None:
    found = {one.clip: one for one in read_words(store)}
    assert len(found) == 3
    assert {names for one in found.values() for names in one.names} == {"again", "clip00", "clip01", "clip02"}
    assert sum(one.transcript == "I am glad" for one in found.values()) == 1


def test_the_published_snapshot_is_named(store: Store) -> None:
    assert (read_published(store).snapshot, len(read_published(store).recipe_digest)) == (1, 32)


def test_a_store_where_nothing_is_published_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mercap annotate"):
        list(read_captions(Store.create(tmp_path / "s"), "captions"))
