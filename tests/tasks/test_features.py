"""One shard: sampled by real workers, encoded by something that tells clips apart, written as parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mercap.media.sampling import Sample, Sampling
from mercap.outcome import Outcome
from mercap.sources.read import read_sources
from mercap.workers.pool import Request, WorkerPool
from storage.digests import DigestCache
from storage.features import FeatureFolder
from storage.store import Store
from tasks import features as shard
from tasks.clips import Clip, catalogue
from tasks.features import Encoding, encode_shard
from tasks.shard import Interrupted
from tests.lab import make_clip


class Mean:
    """In place of an encoder: the mean colour of each picture. Knows how many clips it was given at once."""

    reads = "face"
    made_with = {"device": "cpu"}  # noqa: RUF012
    options = SimpleNamespace(dtype="float32")

    def __init__(self, batch: int = 2) -> None:
        self.batch = batch
        self.sampling = Sampling(pictures=4, side=8, crop="frame", windows=0)
        self.identity = {"kind": "clip", "reads": "face", "steps": 4, "dim": 3, "step_tokens": 1, "model": "mean",
                         "revision": "0", "sampling": self.sampling.of_pictures}  # fmt: skip
        self.batches: list[int] = []
        self.spoil: set[int] = set()  # which clips, in the order they come, get a number that is too large

    def encode(self, samples: Sequence[Sample]) -> NDArray[np.float16]:
        seen = sum(self.batches)
        self.batches.append(len(samples))
        found = np.stack([sample.pixels.mean(axis=(1, 2)) for sample in samples])
        for place in range(len(samples)):
            found[place] *= 1e6 if seen + place in self.spoil else 1
        with np.errstate(over="ignore"):
            return found.astype(np.float16)


def clips_of(folder: Path, count: int, **kind: bool) -> list[Clip]:
    folder.mkdir(exist_ok=True)
    for seed in range(count):
        make_clip(folder / f"clip{seed}.mp4", seed, **kind)
    return catalogue(read_sources(str(folder)), DigestCache(folder / "digests.parquet")).clips


@pytest.fixture
def encoding(tmp_path: Path) -> Any:
    encoder: Any = Mean()
    store = Store.create(tmp_path / "store")
    with WorkerPool(2) as pool:
        yield Encoding(store, encoder, FeatureFolder.create(store.root, encoder.identity), pool, "run")


def test_every_clip_gets_its_own_features_in_full_batches(encoding: Any, tmp_path: Path) -> None:
    clips = clips_of(tmp_path / "clips", 5)
    told: list[None] = []
    encoding.clip_done = lambda: told.append(None)
    assert encode_shard(encoding, 0, clips) == (0, 5, 0)
    assert encoding.encoder.batches == [2, 2, 1]
    assert len(told) == 5
    found = encoding.folder.rows([clip.digest for clip in clips])
    assert len({row.tobytes() for row in found}) == 5
    wanted = encoding.pool.run(encoding.request(clips[3]))
    expected = Sample.model_validate_json(wanted.payload).pixels.mean(axis=(1, 2)).astype(np.float16)
    assert (found[3] == expected).all()


def test_clips_that_are_done_are_not_looked_at_again(encoding: Any, tmp_path: Path) -> None:
    clips = clips_of(tmp_path / "clips", 3)
    encode_shard(encoding, 0, clips[:2])
    encoding.encoder.batches.clear()
    assert encode_shard(encoding, 1, clips) == (1, 1, 0)
    assert encoding.encoder.batches == [1]
    assert encode_shard(encoding, 2, clips) == (2, 0, 0)
    assert len(list(encoding.folder.folder.glob("part-*.json"))) == 2, "nothing to say, nothing written"


def test_clips_without_a_stream_or_that_cannot_be_decoded_are_kept_with_their_cause(
    encoding: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "clips"
    make = clips_of(folder, 1)
    make_clip(folder / "voice.mp4", 7, video=False)
    (folder / "noise.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)) * 20)
    clips = catalogue(read_sources(str(folder)), DigestCache(folder / "digests.parquet")).clips
    by_name = {clip.name: clip.digest for clip in clips}
    assert encode_shard(encoding, 0, clips) == (0, 1, 2)
    folder_now = FeatureFolder(encoding.folder.folder)
    assert folder_now.status(make[0].digest) == "ok"
    assert folder_now.without(by_name["voice"]).cause == "no_video"  # type: ignore[union-attr]
    assert folder_now.without(by_name["voice"]).absent  # type: ignore[union-attr]
    assert folder_now.without(by_name["noise"]).cause in ("format", "decode")  # type: ignore[union-attr]
    assert folder_now.is_done(by_name["noise"])


def test_a_failure_that_may_pass_is_tried_again_and_counted(
    encoding: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = clips_of(tmp_path / "clips", 1)
    late = Outcome("quarantined", None, "timeout", "too late", retryable=True)
    with monkeypatch.context() as patched:
        patched.setattr(encoding.pool, "run", lambda _request: late)
        for attempts in (1, 2):
            encode_shard(encoding, 0, clips)
            assert encoding.folder.without(clips[0].digest).attempts == attempts
    assert encode_shard(encoding, 0, clips) == (0, 1, 0)
    assert encoding.folder.status(clips[0].digest) == "ok"


def test_numbers_that_fp16_cannot_hold_quarantine_their_clip_alone(encoding: Any, tmp_path: Path) -> None:
    clips = clips_of(tmp_path / "clips", 4)
    encoding.encoder.spoil = {1}
    assert encode_shard(encoding, 0, clips) == (0, 3, 1)
    why = encoding.folder.without(clips[1].digest)
    assert (why.cause, why.retryable) == ("backend", True)
    assert "fp16 cannot hold" in why.message
    assert np.isfinite(encoding.folder.rows([clips[place].digest for place in (0, 2, 3)])).all()


def test_an_answer_that_is_not_what_was_asked_for_never_reaches_the_encoder(
    encoding: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = clips_of(tmp_path / "clips", 2)
    other = Sample.of(np.zeros((4, 16, 16, 3), np.uint8)).model_dump_json()
    answers = iter([Outcome("ok", other), Outcome("ok", "{}")])
    monkeypatch.setattr(encoding.pool, "run", lambda _request: next(answers))
    assert encode_shard(encoding, 0, clips) == (0, 0, 2)
    assert encoding.encoder.batches == []
    assert [encoding.folder.status(clip.digest) for clip in clips] == ["unreadable_reply"] * 2


def test_workers_are_asked_only_a_little_ahead_of_the_encoder(
    encoding: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = list(clips_of(tmp_path / "clips", 1)) * 40
    asked: list[Request] = []
    answer = Outcome("absent", None, "no_face", "no face")

    def run(request: Request) -> Outcome:
        asked.append(request)
        return answer

    monkeypatch.setattr(encoding.pool, "run", run)
    ahead = shard.AHEAD * (encoding.pool.size + encoding.encoder.batch)
    most = 0
    for seen, _ in enumerate(shard._sampled(encoding, clips)):
        most = max(most, len(asked) - seen)
    assert len(asked) == 40
    assert most <= ahead


def test_a_run_that_is_stopped_keeps_what_was_encoded(encoding: Any, tmp_path: Path) -> None:
    clips = clips_of(tmp_path / "clips", 6)
    encoding.clip_done = encoding.stop.set
    with pytest.raises(Interrupted):
        encode_shard(encoding, 0, clips)
    kept = len(FeatureFolder(encoding.folder.folder))
    assert kept == 2, "one batch"
    encoding.stop.clear()
    encoding.clip_done = lambda: None
    assert encode_shard(encoding, 0, clips) == (0, 4, 0)


def test_a_long_shard_is_written_in_parts_on_the_way(
    encoding: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "FLUSH_SECONDS", 0.0)
    encode_shard(encoding, 0, clips_of(tmp_path / "clips", 4))
    assert len(list(encoding.folder.folder.glob("part-*.npy"))) == 2
