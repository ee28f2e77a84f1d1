"""Files that name other files or addresses, under the names of media: playlists, scripts, and real containers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from tests.mercap.media.clips import make

HLS = """#EXTM3U
#EXT-X-TARGETDURATION:1
#EXT-X-KEY:METHOD=AES-128,URI="{url}/key"
#EXTINF:1,
file://{file}
#EXTINF:1,
{url}/part.ts
#EXT-X-ENDLIST
"""
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" profiles="x">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">
<BaseURL>{url}/a.mp4</BaseURL><SegmentList><Initialization sourceURL="file://{file}"/></SegmentList>
</Representation></AdaptationSet></Period></MPD>
"""
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 32\n"
SRT = "1\n00:00:00,000 --> 00:00:01,000\n<img src='{url}/a.png'> file://{file}\n"
ASS = "[Script Info]\nScriptType: v4.00+\nOriginal Script: {file}\n[Fonts]\nfontname: {url}/font.ttf\n[Events]\n"
TEXTS = {
    "hls.mp4": HLS,
    "hls_as_transport.ts": HLS,
    "concat.mkv": "ffconcat version 1.0\nfile '{file}'\nfile '{url}/a.mp4'\n",
    "dash.mp4": DASH,
    "session.mov": SDP,
    "reference.avi": "[Reference]\nRef1={url}/a.avi\nRef2=file://{file}\n",
    "subrip.mkv": SRT,
    "ass.mp4": ASS,
    "vobsub.mp4": "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: {file}, index: 0\n",
    "image%03d.mp4": "P6 {file} {url}",
    "smil.mp4": "<smil><body><video src='{url}/a.mp4'/><video src='{file}'/></body></smil>",
    "pls.mp3": "[playlist]\nFile1={url}/a.mp3\nFile2={file}\nNumberOfEntries=2\n",
    "filter.mkv": "movie={file}",
}


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), kind) + data


def element(name: bytes, data: bytes) -> bytes:
    """Of Matroska, with its size in eight bytes."""
    return name + (1 << 56 | len(data)).to_bytes(8, "big") + data


def chunk(name: bytes, data: bytes) -> bytes:
    """Of AVI."""
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def write_all(folder: Path, file: Path, port: int) -> list[Path]:
    """One file of each kind in ``folder``, all of them naming ``file`` and an address at ``port``."""
    url = f"http://127.0.0.1:{port}"
    paths = []
    for name, text in TEXTS.items():
        paths.append(folder / name)
        paths[-1].write_text(text.format(file=file, url=url, port=port))
    for name, write in CONTAINERS.items():
        paths.append(folder / name)
        write(paths[-1], file, url)
    return paths


def elsewhere(path: Path, kind: bytes, place: bytes) -> None:
    """A QuickTime file whose pictures lie somewhere else: its one data reference is replaced."""
    data = make(path, seconds=0, frames=10).read_bytes()
    at, sizes = 0, []
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = data.index(name, at)
        sizes.append(at - 4)
    start, end = at + 12, at - 4 + int.from_bytes(data[at - 4 : at], "big")
    reference = box(kind, bytes(4) + place)
    grown = bytearray(data[:start] + reference + data[end:])
    for size in sizes:
        new = int.from_bytes(data[size : size + 4], "big") + len(reference) - (end - start)
        grown[size : size + 4] = new.to_bytes(4, "big")
    path.write_bytes(grown)


def alias(path: Path, file: Path, url: str) -> None:
    """By the absolute path in an alias record of the old Mac OS."""
    name = str(file).encode() + bytes(len(str(file)) % 2)
    head = bytes(10) + b"\1v".ljust(28, b"\0") + bytes(12) + b"\1f".ljust(64, b"\0") + bytes(16)
    levels = struct.pack(">hh", -1, -1) + bytes(16)
    elsewhere(path, b"alis", head + levels + struct.pack(">HH", 2, len(name)) + name + b"\xff\xff\0\0")


def address(path: Path, file: Path, url: str) -> None:
    elsewhere(path, b"url ", f"{url}/a.mov".encode() + b"\0")


def reference_movie(path: Path, file: Path, url: str) -> None:
    places = [box(b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(one)) + one) for one in _places(file, url)]
    movies = b"".join(box(b"rmda", place) for place in places)
    path.write_bytes(box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", movies)))


def linked_segment(path: Path, file: Path, url: str) -> None:
    """Matroska: the names of the files before and after, and an attachment that is a playlist."""
    head = element(b"\x1aE\xdf\xa3", element(b"\x42\x82", b"matroska"))
    before, after = _places(file, url)
    info = element(b"\x15\x49\xa9\x66", element(b"\x3c\x83\xab", before) + element(b"\x3e\x83\xbb", after))
    playlist = HLS.format(file=file, url=url).encode()
    attached = element(b"\x46\x6e", before) + element(b"\x46\x60", b"text/plain") + element(b"\x46\x5c", playlist)
    attachments = element(b"\x19\x41\xa4\x69", element(b"\x61\xa7", attached))
    path.write_bytes(head + element(b"\x18\x53\x80\x67", info + attachments))


def embedded_playlist(path: Path, file: Path, url: str) -> None:
    """AVI: a GAB2 subtitle whose text is a playlist, which older FFmpeg opened."""
    main = chunk(b"avih", struct.pack("<14I", 40_000, 0, 0, 0x10, 1, 0, 1, 0, 64, 48, 0, 0, 0, 0))
    stream = chunk(b"strh", b"txts" + struct.pack("<4s12I", b"", 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0))
    header = chunk(b"LIST", b"hdrl" + main + chunk(b"LIST", b"strl" + stream + chunk(b"strf", b"")))
    text = HLS.format(file=file, url=url).encode()
    subtitle = b"GAB2\0" + struct.pack("<HI", 2, 2) + bytes(2) + struct.pack("<HI", 4, len(text)) + text
    body = b"AVI " + header + chunk(b"LIST", b"movi" + chunk(b"00tx", subtitle))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def behind_a_header(path: Path, file: Path, url: str) -> None:
    path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + HLS.format(file=file, url=url).encode())


def behind_a_tag(path: Path, file: Path, url: str) -> None:
    path.write_bytes(b"ID3\4\0\0\0\0\0\0" + HLS.format(file=file, url=url).encode())


def _places(file: Path, url: str) -> tuple[bytes, bytes]:
    return f"file://{file}".encode(), f"{url}/a.mov".encode()


CONTAINERS: dict[str, Callable[[Path, Path, str], None]] = {
    "alias.mov": alias,
    "address.mov": address,
    "reference_movie.mov": reference_movie,
    "linked.mkv": linked_segment,
    "embedded.avi": embedded_playlist,
    "behind_a_header.mp4": behind_a_header,
    "behind_a_tag.mp3": behind_a_tag,
}
