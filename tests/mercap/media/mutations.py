"""Ways to tamper with a file's bytes: the same seed, the same file."""

from __future__ import annotations

import random
import struct


def flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 10, 200))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(1, len(data)) :]


def lie_in_the_header(data: bytearray, rng: random.Random) -> None:
    for _ in range(30):
        data[rng.randrange(min(2048, len(data)))] = rng.choice((0, 0x7F, 0xFF, rng.randrange(256)))


def replace_a_stretch(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at : at + rng.randrange(4000)] = rng.randbytes(rng.randrange(4000))


def repeat_a_stretch(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.randrange(4000)] * rng.choice((1, 2, 50))


def claim_large_sizes(data: bytearray, rng: random.Random) -> None:
    """Fields of four bytes in the header that look like a count, a length or a size get a large one."""
    claims = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\xff\xff\xff", b"\xff\xff\xff\x00", b"\x40\x00\x40\x00")
    for _ in range(rng.choice((1, 3, 10))):
        at = rng.randrange(4, max(5, min(1500, len(data) - 4)))
        data[at : at + 4] = rng.choice(claims)


def claim_endless_duration(data: bytearray, rng: random.Random) -> None:
    for name in (b"mvhd", b"mdhd", b"tkhd"):  # MP4
        _overwrite(data, name, 16, b"\x00\x00\x00\x01\xff\xff\xff\xfe" + rng.randbytes(4))
    _overwrite(data, b"\x44\x89\x88", 3, struct.pack(">d", rng.choice((1e300, float("inf"), -1.0))))  # Matroska
    _overwrite(data, b"avih", 20, b"\xff\xff\xff\x7f")
    _overwrite(data, b"OggS", 6, rng.choice((b"\xff" * 7 + b"\x7f", rng.randbytes(8))), last=True)
    _overwrite(data, b"fLaC", 21, b"\xff" * 5)


def claim_huge_pictures(data: bytearray, rng: random.Random) -> None:
    sides = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\x7f\xff", b"\x40\x00\x40\x00"))
    _overwrite(data, b"avc1", 28, sides)
    _overwrite(data, b"tkhd", 78, sides)
    _overwrite(data, b"strf", 12, sides * 2)
    _overwrite(data, b"\xb0\x81\x40", 1, b"\x84")  # Matroska: the width is now as long as four bytes
    _overwrite(data, b"avcC", 9, rng.randbytes(12))  # the picture's size in the codec's own words


def _overwrite(data: bytearray, name: bytes, offset: int, value: bytes, *, last: bool = False) -> None:
    at = (data.rfind if last else data.find)(name)
    if at >= 0:
        data[at + offset : at + offset + len(value)] = value


MUTATIONS = (
    flip_bits,
    cut,
    lie_in_the_header,
    replace_a_stretch,
    repeat_a_stretch,
    claim_large_sizes,
    claim_endless_duration,
    claim_huge_pictures,
)
