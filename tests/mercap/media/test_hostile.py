"""Files that were tampered with, through the real worker processes: every one typed, none hangs, none ends the pool."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from mercap.media.policy import MediaLimits
from tests.lab import ROOT, Lab
from tests.mercap.media.bombs import BOMBS
from tests.mercap.media.canary import Canary
from tests.mercap.media.clips import make
from tests.mercap.media.mutations import MUTATIONS
from tests.mercap.media.references import write_all
from tests.mercap.media.trial import ingest_all

LIMITS = MediaLimits(seconds=30, decode_seconds=6, memory_mb=512)
EXAMPLES = sorted(path for path in (ROOT / "examples" / "clips").iterdir() if path.suffix in (".mp4", ".webm", ".m4a"))
MADE = {
    "a.mp4": "aac", "a.mov": "pcm_s16le", "a.mkv": "flac", "a.avi": "mp3", "a.ts": "aac", "a.flv": "aac",
    "s.wav": "pcm_s16le", "s.mp3": "mp3", "s.ogg": "libopus", "s.flac": "flac", "s.aac": "aac", "s.m4a": "alac",
}  # fmt: skip


def seeds(folder: Path) -> list[Path]:
    """Well-formed files of every accepted container, small and quickly decoded."""
    folder.mkdir()
    return [
        make(folder / name, frames=0 if name.startswith("s.") else 25, seconds=1.0, codec=codec)
        for name, codec in MADE.items()
    ]


def tampered(folder: Path, originals: list[Path], count: int, seed: int) -> list[Path]:
    rng, paths = random.Random(seed), []
    folder.mkdir(exist_ok=True)
    for number in range(count):
        original, mutate = originals[number % len(originals)], MUTATIONS[number // len(originals) % len(MUTATIONS)]
        data = bytearray(original.read_bytes())
        mutate(data, rng)
        paths.append(folder / f"{number:05d}_{mutate.__name__}{original.suffix}")
        paths[-1].write_bytes(bytes(data))
    return paths


def check(folder: Path, paths: list[Path], limits: MediaLimits = LIMITS) -> Counter[str]:
    trial = ingest_all(paths, folder, limits)
    trial.check(limits, folder)
    causes = Counter(outcome.cause or "ok" for outcome in trial.outcomes)
    print(f"{len(paths)} files: {dict(causes)}, longest {max(trial.seconds):.1f} s, peak {trial.peak_mb:.0f} MB")
    return causes


def test_tampered_files_are_typed_one_by_one(tmp_path: Path) -> None:
    causes = check(tmp_path, tampered(tmp_path / "files", seeds(tmp_path / "seeds"), 192, seed=1))
    assert causes["decode"] > 192 / 5
    assert causes["limits"] > 5


@pytest.mark.slow
def test_a_thousand_hostile_files_are_typed_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tampered copies of the example clips and of every container, the bombs, and what names other files."""
    monkeypatch.setenv("SVT_LOG", "1")
    files, secret = tmp_path / "files", make(tmp_path / "secret.mp4", frames=10, seconds=0)
    paths = tampered(files, seeds(tmp_path / "seeds") + EXAMPLES, 1_000, seed=2)
    for bomb in BOMBS:
        paths.append(files / bomb.name)
        bomb.write(paths[-1])
    with Canary(secret) as canary:
        causes = check(tmp_path, [*paths, *write_all(files, secret, canary.port)])
        assert not canary.was_opened()
        assert not canary.was_called()
    assert {"ok", "decode", "format", "limits", "memory", "no_streams", "timeout"} <= causes.keys()


def test_a_run_over_hostile_files_accounts_for_every_one(lab: Lab) -> None:
    tampered(lab.clips, seeds(lab.root / "seeds"), 48, seed=3)
    with Canary(make(lab.root / "secret.mp4", frames=10, seconds=0)) as canary:
        write_all(lab.clips, canary.file, canary.port)
        report = lab.annotate("--max-quarantine", "100%")
        assert not canary.was_opened()
        assert not canary.was_called()
    assert all(row["balances"] for row in report["ledger"])
    (ingest,) = [row for row in report["ledger"] if row["stage"] == "ingest"]
    assert ingest["names"] == len(list(lab.clips.iterdir()))
    assert ingest["ok"] > 5
    assert ingest["causes"]["format"] >= 13
    assert ingest["causes"]["decode"] >= 10
