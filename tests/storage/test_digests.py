from __future__ import annotations

import hashlib
import os
from pathlib import Path

from storage.digests import DigestCache


def old_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_an_unchanged_file_is_hashed_once_across_runs(tmp_path: Path) -> None:
    clip = old_file(tmp_path / "a.mp4", b"abc")
    first = DigestCache(tmp_path / "digests.parquet")
    assert first.digest(clip)[0] == hashlib.sha256(b"abc").hexdigest()
    first.save()
    second = DigestCache(tmp_path / "digests.parquet")
    assert second.digest(clip)[0] == hashlib.sha256(b"abc").hexdigest()
    assert (first.hashed, second.hashed) == (1, 0)


def test_a_changed_file_is_hashed_again(tmp_path: Path) -> None:
    clip = old_file(tmp_path / "a.mp4", b"abc")
    cache = DigestCache(tmp_path / "digests.parquet")
    cache.digest(clip)
    clip.write_bytes(b"abd")
    os.utime(clip, (1_700_000_001, 1_700_000_001))
    assert cache.digest(clip)[0] == hashlib.sha256(b"abd").hexdigest()


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    """A second change within one tick of the clock would leave size and time as they were."""
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"abc")
    cache = DigestCache(tmp_path / "digests.parquet")
    cache.digest(clip)
    cache.digest(clip)
    assert cache.hashed == 2


def test_a_damaged_cache_costs_hashing_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "digests.parquet").write_bytes(b"PAR1 nonsense")
    clip = old_file(tmp_path / "a.mp4", b"abc")
    assert DigestCache(tmp_path / "digests.parquet").digest(clip)[0] == hashlib.sha256(b"abc").hexdigest()
