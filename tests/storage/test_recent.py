from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mercap.errors import StoreError
from storage import recent
from storage.recent import forget_columns, read_column
from storage.store import Store
from tests.rows import row


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[list[Path]]:
    """Three parts with a payload of ten characters each, and nothing held."""
    store = Store.create(tmp_path / "store")
    forget_columns()
    yield [store.write_part("merge", "r", 0, [row(payload=f'"{number:08d}"')]) for number in range(3)]
    forget_columns()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The parts that were read from the disk."""
    paths: list[Path] = []
    original = Store.read_part
    monkeypatch.setattr(Store, "read_part", lambda self, path, names: paths.append(path) or original(self, path, names))
    return paths


def test_a_column_is_read_once(parts: list[Path], read: list[Path]) -> None:
    assert [read_column(parts[0], "payload") for _ in range(3)] == [['"00000000"']] * 3
    assert read_column(parts[0], "cause") == [None]
    assert read == [parts[0], parts[0]]


def test_what_was_not_asked_for_the_longest_goes_first(
    parts: list[Path], read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "_CHARS_AT_MOST", 20)
    for place in (0, 1, 0, 2, 0, 1):
        read_column(parts[place], "payload")
    assert read == [parts[0], parts[1], parts[2], parts[1]]


def test_a_column_larger_than_all_that_may_be_held_is_read_all_the_same(
    parts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "_CHARS_AT_MOST", 1)
    assert [read_column(part, "payload") for part in parts] == [[f'"{number:08d}"'] for number in range(3)]


def test_threads_read_the_same(parts: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_CHARS_AT_MOST", 15)
    found: list[bool] = []

    def work() -> None:
        for _ in range(20):
            found.extend(read_column(part, "payload") == [f'"{number:08d}"'] for number, part in enumerate(parts))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 240
    assert all(found)


def test_a_damaged_part_is_named(parts: list[Path]) -> None:
    parts[0].write_bytes(b"no parquet")
    with pytest.raises(StoreError, match=parts[0].name):
        read_column(parts[0], "payload")
