from __future__ import annotations

from pathlib import Path

import pytest

from mercap.files import read_json, write_atomically, write_json


def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, fail)
    assert read_json(target) == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_exclusive_write_never_replaces(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1, exclusive=True)
    with pytest.raises(FileExistsError):
        write_json(tmp_path / "a.json", 2, exclusive=True)
    assert read_json(tmp_path / "a.json") == 1
