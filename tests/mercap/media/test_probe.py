from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.errors import CellFailure
from mercap.media.policy import MediaLimits
from mercap.media.probe import demuxer_of, open_container, size_within_limits, sniff


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (b"\0\0\0\x20ftypisom", "mov"),
        (b"\x1aE\xdf\xa3\x01\0\0\0", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"OggS\0\2", "ogg"),
        (b"fLaC\0\0", "flac"),
        (b"FLV\x01\5", "flv"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"ID3\4\0\0\0\0\0\2zz\xff\xfb\x90\x64", "mp3"),
        (b"ID3\4\0\0\0\0\0\2zzfLaC\0\0", "flac"),
        (b"ID3\4\0\0\x7f\x7f\x7f\x7fzz", "mp3"),
        ((b"G" + bytes(187)) * 3, "mpegts"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "mpegts"),
        (b"Gone with the wind " * 50, None),
        (b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://example.org/a.ts\n", None),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", None),
        (b"<?xml version='1.0'?><MPD></MPD>", None),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"GIF89a", None),
        (b"", None),
    ],
)
def test_a_container_is_told_by_its_first_bytes(head: bytes, demuxer: str | None) -> None:
    assert sniff(head) == demuxer


@given(st.binary(max_size=600))
def test_any_bytes_get_an_accepted_demuxer_or_none(head: bytes) -> None:
    accepted = {"mov", "matroska", "avi", "wav", "flv", "mp3", "aac", "ogg", "flac", "mpegts"}
    assert sniff(head) in {*accepted, None}


def test_a_playlist_named_like_a_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n")
    with pytest.raises(CellFailure) as caught:
        demuxer_of(path)
    assert caught.value.cause == "format"


def test_an_empty_file_is_named_empty(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.touch()
    with pytest.raises(CellFailure, match="empty"):
        demuxer_of(path)


def test_a_missing_file_and_a_folder_have_causes_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(CellFailure) as caught:
        size_within_limits(tmp_path / "gone.mp4", MediaLimits())
    assert caught.value.cause == "missing_file"
    with pytest.raises(CellFailure) as caught:
        size_within_limits(tmp_path, MediaLimits())
    assert caught.value.cause == "unreadable_file"


def test_a_file_over_the_size_limit_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(2000))
    with pytest.raises(CellFailure, match=r"has 0\.0 MB") as caught:
        size_within_limits(path, MediaLimits(file_mb=0.001))
    assert caught.value.cause == "limits"
    assert size_within_limits(path, MediaLimits(file_mb=0.002)) == 2000


def test_a_damaged_header_is_one_sentence_without_a_path(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + bytes(100))
    with pytest.raises(CellFailure) as caught:
        open_container(path, "mov")
    assert caught.value.cause == "decode"
    assert str(tmp_path) not in caught.value.message
    assert caught.value.message.startswith("The mov header is damaged: ")
