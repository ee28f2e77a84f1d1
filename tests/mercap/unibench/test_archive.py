from __future__ import annotations

import contextlib
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mercap.errors import UsageError
from mercap.unibench import archive as subject
from mercap.unibench.npz import read_corpus, read_results
from tests.mercap.unibench.archives import as_bytes, header, member, packed, saved

RESULTS = {f"clip_{number}": f"[happy, {number}]" for number in range(5)}
LABELS = {f"clip_{number}": {"emo": np.int64(number), "val": np.float32(number / 3)} for number in range(5)}


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_results(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def reads(path: Path) -> int:
    """How many of two readings give a value; any other exception than UsageError fails the test."""
    found: list[object] = []
    with contextlib.suppress(UsageError):
        found.append(read_results(path))
    with contextlib.suppress(UsageError):
        found.append(read_corpus(path, "test_corpus"))
    return len(found)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 10, b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    assert "is not an .npz archive, or it is damaged" in refusal(tmp_path / "a.npz")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "a.npz")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = as_bytes(name2reason=RESULTS)
    for length in range(0, len(whole), 7):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        refusal(tmp_path / "a.npz")


def test_a_member_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = member(RESULTS)
    for length in range(len(whole)):
        refusal(packed(tmp_path / "a.npz", name2reason=whole[:length]))


@pytest.mark.parametrize("seed", range(4))
def test_an_archive_with_changed_bytes_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    whole = as_bytes(name2reason=RESULTS, test_corpus=LABELS)
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(drawn.choice((1, 2, 8))):
            changed[drawn.randrange(len(changed))] = drawn.randrange(256)
        (tmp_path / "a.npz").write_bytes(changed)
        reads(tmp_path / "a.npz")


@pytest.mark.parametrize("protocol", [2, 4])
def test_arrays_with_changed_bytes_under_a_sound_checksum_are_read_or_refused(tmp_path: Path, protocol: int) -> None:
    drawn = random.Random(protocol)
    read = 0
    for _ in range(400):
        results, labels = bytearray(member(RESULTS, protocol)), bytearray(member(LABELS, protocol))
        for data in (results, labels):
            for _ in range(drawn.choice((1, 2))):
                data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
        read += reads(packed(tmp_path / "a.npz", name2reason=bytes(results), test_corpus=bytes(labels)))
    assert 0 < read < 800  # a flipped bit in a text is still a text


@pytest.mark.parametrize("fill", [b"\0", b"(", b"]", b"}", b"\x93NUMPY\x01\x00"])
def test_a_member_that_swells_is_stopped(tmp_path: Path, fill: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_BYTES", 1 << 20)
    path = packed(tmp_path / "a.npz", zipfile.ZIP_DEFLATED, name2reason=fill * (3 << 20))
    assert path.stat().st_size < 1 << 20
    assert "name2reason holds more than 1 MiB" in refusal(path)


def test_members_that_swell_together_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_BYTES", 1 << 20)
    names = np.array([f"{number:0180}" for number in range(1000)])
    assert "fileitems holds more than 1 MiB" in refusal(saved(tmp_path / "a.npz", filenames=names, fileitems=names))


def test_the_size_told_in_the_zip_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_BYTES", 1 << 20)
    path = packed(tmp_path / "a.npz", zipfile.ZIP_DEFLATED, name2reason=b"\0" * (3 << 20))
    told = (3 << 20).to_bytes(4, "little")
    content = path.read_bytes()
    assert content.count(told) == 2
    path.write_bytes(content.replace(told, (100).to_bytes(4, "little")))
    assert "name2reason" in refusal(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_BYTES", 1 << 10)
    (tmp_path / "a.npz").write_bytes(b"x" * 2000)
    assert "is larger than" in refusal(tmp_path / "a.npz")


def test_an_archive_of_very_many_members_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.npz", zipfile.ZIP_STORED, **{f"m{number}": b"" for number in range(2000)})
    assert "has more than 64 members" in refusal(path)


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.npz", name2reason=member(RESULTS))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("name2reason", member(RESULTS))
    assert "name2reason is there twice" in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_numpy_does_not_write_is_refused(tmp_path: Path, method: int) -> None:
    assert "packed in a way NumPy does not" in refusal(packed(tmp_path / "a.npz", method, name2reason=member(RESULTS)))


def test_a_header_that_numpy_mends_is_read_without_a_word(tmp_path: Path) -> None:
    array = header("<U1", "(1L,)") + b"a\0\0\0"  # as Python 2 wrote integers
    assert read_results(packed(tmp_path / "a.npz", filenames=array, fileitems=array)) == {"a": "a"}


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (header("<U0", "(1000000000,)"), "an array of shape (1000000000,)"),
        (header("<U0", "(1000,)"), "not of texts or objects"),
        (header("<U1", "(-1,)") + b"a\0\0\0", "an array of shape (-1,)"),
        (header("<U1", "(1000000000, 0)"), "an array of shape (1000000000, 0)"),
        (header("<U1", "(2,)") + b"a\0\0\0", "a damaged array"),
        (header("<U1", "(1,)") + b"\xff\xff\xff\xff", "a damaged text"),
        (header("<U1", "(1,)") + b"\x00\xd8\0\0", "a damaged text"),
        (header("|O", "(2,)") + member("a")[len(header("|O")) :], "not the array its header tells of"),
        (header("<M8[s]", "(1,)") + b"\0" * 8, "not of texts or objects"),
        (header("|V8", "(1,)") + b"\0" * 8, "not of texts or objects"),
        (b"\x93NUMPY\x01\x00" + (900).to_bytes(2, "little") + b"[" * 900, "header is damaged"),
        (b"\x93NUMPY\x01\x00" + (900).to_bytes(2, "little") + b"-" * 900, "header is damaged"),
        (b"\x93NUMPY\x02\x00" + (1 << 31).to_bytes(4, "little") + b"{" * 5000, "header is damaged"),
        (b"\x93NUMPY\x03\x00" + header("<U1", "(1,)")[8:], "header is damaged"),
        (b"\x93NUMPY\x01\x00" + (2).to_bytes(2, "little") + b"'\\", "header is damaged"),
    ],
)
def test_an_array_that_is_not_as_its_header_says_is_refused(tmp_path: Path, array: bytes, words: str) -> None:
    path = packed(tmp_path / "a.npz", filenames=array, fileitems=array)
    assert words in refusal(path)
    assert "filenames" in refusal(path)
