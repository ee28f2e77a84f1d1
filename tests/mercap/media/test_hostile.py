"""Files that were tampered with, through the real worker processes: every one typed, none hangs, none ends the pool."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from mercap.media.derived import derived_folder
from mercap.media.policy import MediaLimits, MediaPolicy
from mercap.workers.operations import Media
from mercap.workers.pool import Request, WorkerPool
from tests.lab import ROOT

CLIPS = sorted(path for path in (ROOT / "examples" / "clips").iterdir() if path.suffix in (".mp4", ".webm"))
POLICY = MediaPolicy()
LIMITS = MediaLimits(seconds=30, decode_seconds=20, memory_mb=1024)
TYPED = {"decode", "format", "limits", "memory", "no_streams", "signal", "timeout"}


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


def claim_endless_duration(data: bytearray, rng: random.Random) -> None:
    for atom in (b"mvhd", b"mdhd", b"tkhd"):
        at = data.find(atom)
        if at > 0:
            data[at + 16 : at + 28] = b"\x00\x00\x00\x01\xff\xff\xff\xfe" + rng.randbytes(4)


def claim_huge_pictures(data: bytearray, rng: random.Random) -> None:
    for atom in (b"avc1", b"tkhd"):
        at = data.find(atom)
        if at > 0:
            place = at + (28 if atom == b"avc1" else 78)
            data[place : place + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\x7f\xff", b"\x40\x00\x40\x00"))


MUTATIONS = (flip_bits, cut, lie_in_the_header, replace_a_stretch, claim_endless_duration, claim_huge_pictures)


def check(folder: Path, count: int, seed: int) -> None:
    rng = random.Random(seed)
    requests = []
    for number in range(count):
        data = bytearray(rng.choice(CLIPS).read_bytes())
        MUTATIONS[number % len(MUTATIONS)](data, rng)
        path = folder / f"{number:05d}.mp4"
        path.write_bytes(bytes(data))
        state = path.stat()
        derived = derived_folder(folder / "derived", f"{number:064d}", POLICY)
        media = Media(
            path=path, size=state.st_size, mtime_ns=state.st_mtime_ns, folder=derived, policy=POLICY, limits=LIMITS
        )
        requests.append(Request("ingest", {"media": media.model_dump(mode="json")}, LIMITS.decode_seconds))
    causes: Counter[str] = Counter()
    with WorkerPool(2) as pool:
        for place, outcome in pool.map(requests):
            assert outcome.status in ("ok", "quarantined")
            assert outcome.status == "ok" or outcome.cause in TYPED, (place, outcome)
            assert outcome.seconds <= LIMITS.decode_seconds + 1
            assert str(folder) not in (outcome.message or ""), "a message names a path of this machine"
            causes[outcome.cause or "ok"] += 1
    assert sum(causes.values()) == count
    assert causes["decode"] > count / 4


def test_tampered_files_are_typed_one_by_one(tmp_path: Path) -> None:
    check(tmp_path, 120, seed=1)


@pytest.mark.slow
def test_a_thousand_tampered_files_are_typed_one_by_one(tmp_path: Path) -> None:
    check(tmp_path, 1_000, seed=2)
