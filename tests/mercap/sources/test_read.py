from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mercap.errors import UsageError
from mercap.sources.read import read_sources


def manifest(folder: Path, text: str, name: str = "clips.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_folder_is_read_with_the_subtitle_beside_each_clip(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    for name in ("b.mp4", "day/a.mkv", "day/a.srt", "notes.md"):
        (tmp_path / name).write_text("x")
    rows = read_sources(str(tmp_path)).rows
    assert [row.name for row in rows] == ["b", "day/a"]
    assert [row.subtitle.name if row.subtitle else None for row in rows] == [None, "a.srt"]


def test_two_endings_on_one_stem_are_two_names(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.mp4"):
        (tmp_path / name).write_text("x")
    assert [row.name for row in read_sources(str(tmp_path)).rows] == ["a", "a.mp4"]


def test_a_glob_names_clips_relative_to_its_fixed_part(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("x")
    assert [row.name for row in read_sources(f"{tmp_path}/a*.mp4").rows] == ["a"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_kind_of_manifest_gives_the_same_rows(tmp_path: Path, kind: str) -> None:
    record = {"path": "a.mp4", "name": "first", "text": "hello", "licence": "CC0", "consent": "research", "actor": "7"}
    path = tmp_path / f"m.{kind}"
    if kind == "csv":
        path.write_text(",".join(record) + "\n" + ",".join(record.values()) + "\n")
    elif kind == "jsonl":
        path.write_text(json.dumps(record) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([record]), path)
    (row,) = read_sources(str(path)).rows
    assert (row.name, row.text, row.licence, row.consent, row.extra) == (
        "first",
        "hello",
        "CC0",
        "research",
        {"actor": "7"},
    )
    assert row.path == tmp_path / "a.mp4"


def test_a_misspelt_column_ends_the_run_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown column 'subtitel'; did you mean 'subtitle'"):
        read_sources(manifest(tmp_path, "path,subtitel\na.mp4,a.srt\n"))


def test_a_manifest_without_paths_names_the_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'path'; it has 'clip'"):
        read_sources(manifest(tmp_path, "clip\na.mp4\n"))


def test_a_misspelt_column_of_a_later_row_is_refused_too(tmp_path: Path) -> None:
    lines = '{"path": "a.mp4"}\n{"path": "b.mp4", "subtitel": "b.srt"}\n'
    with pytest.raises(UsageError, match="'subtitel'; did you mean 'subtitle'"):
        read_sources(manifest(tmp_path, lines, "m.jsonl"))


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'path' twice"):
        read_sources(manifest(tmp_path, "path,path\na,b\n"))


@pytest.mark.parametrize("path", ["../secret.mp4", "/etc/passwd", "a/../../b.mp4", "link.mp4"])
def test_a_path_that_leads_outside_the_root_ends_the_run(tmp_path: Path, path: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.mp4").write_text("x")
    (inside / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    with pytest.raises(UsageError, match="outside .* nothing was run"):
        read_sources(manifest(inside, f"path\n{path}\n"))


def test_a_folder_is_listed_in_the_order_of_its_paths_whatever_lies_beside(tmp_path: Path) -> None:
    for name in ("b/x.mp4", "b.mp4", "b/a/z.MOV", "B.mp4", ".hidden/c.mp4", "a-.mp4", "a/deep.mp4", "..mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "note.pdf").write_text("x")
    (tmp_path / ".mp4").write_text("x")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "round").symlink_to(tmp_path / "b")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "b.mp4")
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "nothing.mp4")
    shown = [row.shown_path for row in read_sources(str(tmp_path)).rows]
    assert shown == [path.relative_to(tmp_path).as_posix() for path in sorted(map(tmp_path.joinpath, shown))]
    assert sorted(shown) == sorted(
        ["b/x.mp4", "b.mp4", "b/a/z.MOV", "B.mp4", ".hidden/c.mp4", "a-.mp4", "a/deep.mp4", "..mp4", "link.mp4"]
    )
    everything = read_sources(f"{tmp_path}/**/*").rows
    assert [row.shown_path for row in everything if not row.shown_path.startswith("round/")] == shown


def refuse(folders: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person without rights to these folders meets; who runs the tests may have all rights."""
    scandir = os.scandir

    def refusing(folder: Path) -> Any:
        if Path(folder).name in folders:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_folder_that_cannot_be_read_is_a_name_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.mp4", "locked/b.mp4", "z.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    refuse({"locked"}, monkeypatch)
    rows = read_sources(str(tmp_path)).rows
    assert [(row.name, row.cause) for row in rows] == [("a", None), ("locked/", "unreadable_file"), ("z", None)]
    assert rows[1].message == "the folder locked/ cannot be read, so that nothing in it is annotated"


def test_a_source_that_cannot_be_read_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse({tmp_path.name}, monkeypatch)
    with pytest.raises(UsageError, match="cannot be read; see its permissions"):
        read_sources(str(tmp_path))


@pytest.mark.parametrize("path", ["out/a.mp4", "sub/../out/a.mp4", "sub/up/../b.mp4", "..", "sub/../.."])
def test_a_folder_that_is_a_link_does_not_lead_outside_either(tmp_path: Path, path: str) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside / "sub", outside / "deep"):
        folder.mkdir(parents=True)
    (inside / "out").symlink_to(outside)
    (inside / "sub" / "up").symlink_to(outside / "deep")  # the folder above it is no longer `sub`
    with pytest.raises(UsageError, match="outside .* nothing was run"):
        read_sources(manifest(inside, f"path\nsub/a.mp4\n{path}\n"))


@pytest.mark.parametrize("path", ["a.mp4", "./a.mp4", "sub/../a.mp4", "sub//b.mp4", "link.mp4", "round/b.mp4", "sub/."])
def test_a_path_inside_the_root_is_its_real_path(tmp_path: Path, path: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "sub" / "b.mp4")
    (tmp_path / "round").symlink_to(tmp_path / "sub")
    rows = read_sources(manifest(tmp_path, f"path\nsub/first.mp4\n{path}\n")).rows
    assert rows[1].path == (tmp_path / path).resolve()


def test_a_subtitle_outside_the_root_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside"):
        read_sources(manifest(tmp_path, "path,subtitle\na.mp4,../../etc/passwd\n"))


def test_a_link_in_a_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.mp4").write_text("x")
    (inside / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    with pytest.raises(UsageError, match="outside"):
        read_sources(str(inside))


def test_bad_rows_are_typed_and_the_good_ones_stay(tmp_path: Path) -> None:
    text = "path,name,consent\na.mp4,one,any\n,two,any\nb.mp4,one,any\nc.mp4,three,maybe\n"
    rows = read_sources(manifest(tmp_path, text)).rows
    assert [(row.name, row.cause) for row in rows] == [
        ("one", None), ("two", "bad_row"), ("one#row3", "bad_row"), ("three", "bad_row"),
    ]  # fmt: skip


@pytest.mark.parametrize("source", ["nothing-here", "*.nothing"])
def test_what_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        read_sources(source)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_in_a_manifest_raise_anything_but_usage_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    for name in ("m.csv", "m.jsonl", "m.parquet"):
        (folder / name).write_bytes(content)
        try:
            names = [row.name for row in read_sources(str(folder / name)).rows]
        except UsageError:
            continue
        assert len(set(names)) == len(names)


def test_a_file_whose_name_is_no_text_is_a_bad_row_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "good.mp4").write_text("x")
    (tmp_path / "\u4e2d\u6587.mp4").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\n.mp4")).write_text("x")
    rows = {row.name: row.cause for row in read_sources(str(tmp_path)).rows}
    assert rows == {"good": None, "\u4e2d\u6587": None, "bad\ufffd\ufffd": "bad_row"}


def test_half_characters_in_a_manifest_end_up_as_text_that_can_be_stored(tmp_path: Path) -> None:
    (row,) = read_sources(manifest(tmp_path, '{"path": "a.mp4", "licence": "CC\\ud800"}', "m.jsonl")).rows
    assert row.licence == "CC?"
