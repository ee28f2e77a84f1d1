"""`mercap features` from clips to a folder that training reads: real clips, workers, the encoders without weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from flows.features import FeatureOptions, FeatureReport, encode_features
from flows.observer import Silent
from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.errors import ExitCode, UsageError
from storage.features import FeatureFolder, faults, feature_folders
from tests.lab import ROOT, Lab

FACE = EncoderOptions(kind="clip_rows", crop="frame", device="cpu")
VOICE = EncoderOptions(kind="log_mel", device="cpu")
EXAMPLES = ROOT / "examples" / "clips"

# The encoders are so quick that a run may be over before it is ended: here each pass takes a tenth of a second. And
# what is started in the background of a script ignores interrupts, and hands that on.
RUN = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import torch
torch.set_num_threads(1)
from flows.features import FeatureOptions, encode_features
from flows.observer import Silent
from mercap.affectgpt.encoders.frozen import FrozenEncoder
encode = FrozenEncoder.encode
FrozenEncoder.encode = lambda self, samples: time.sleep(0.1) or encode(self, samples)
encode_features(FeatureOptions.model_validate_json(sys.argv[1]), Silent())
"""


def options(source: Path, store: Path, *encoders: EncoderOptions, **changes: Any) -> FeatureOptions:
    return FeatureOptions(
        source=str(source), store=str(store), encoders=encoders or (FACE, VOICE), workers=2, **changes
    )


def encode(*arguments: Any, **changes: Any) -> FeatureReport:
    return encode_features(options(*arguments, **changes), Silent())


def stored(store: Path) -> dict[tuple[str, str], bytes]:
    """(encoder, clip) -> the numbers."""
    return {
        (folder.kind, clip): folder.rows([clip]).tobytes() for folder in feature_folders(store) for clip in folder.clips
    }


def test_faces_and_voices_of_the_example_clips_are_encoded_or_have_a_cause(tmp_path: Path) -> None:
    face = EncoderOptions(kind="clip_rows", device="cpu")
    report = encode(EXAMPLES, tmp_path / "store", face, VOICE, max_quarantine=0.5)
    faces, voices = report.streams
    assert report.exit_code == ExitCode.DONE
    assert set(faces.absent) == {"no_face", "no_video"}
    assert set(voices.absent) == {"no_audio"}
    for stream in report.streams:
        accounted = stream.encoded + stream.already + sum(stream.absent.values()) + sum(stream.quarantined.values())
        assert accounted == stream.clips == report.clips
        assert stream.encoded > 8
        assert set(stream.quarantined) <= {"decode", "format"}
    assert list(faults(tmp_path / "store")) == []
    for found in (FeatureFolder.find(tmp_path / "store", one) for one in (face, VOICE)):
        rows = found.rows(found.clips)
        assert np.isfinite(rows).all()
        assert len({row.tobytes() for row in rows}) == len(rows), "no two clips came out alike"


def test_a_second_run_encodes_nothing_and_a_new_clip_alone(lab: Lab) -> None:
    lab.fill(3)
    encode(lab.clips, lab.store)
    before = stored(lab.store)
    again = encode(lab.clips, lab.store)
    assert [(stream.encoded, stream.already) for stream in again.streams] == [(0, 3), (0, 3)]
    lab.fill(4)
    more = encode(lab.clips, lab.store)
    assert [(stream.encoded, stream.already) for stream in more.streams] == [(1, 3), (1, 3)]
    after = stored(lab.store)
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("changes", [{"shard_size": 1}, {"shard_size": 3, "workers": 1}])
def test_shards_workers_and_batches_change_nothing_of_the_features(lab: Lab, changes: dict[str, int]) -> None:
    lab.fill(5)
    encode(lab.clips, lab.store)
    given = options(lab.clips, lab.root / "other", FACE.model_copy(update={"batch": 4}), VOICE)
    encode_features(given.model_copy(update=changes), Silent())
    assert stored(lab.root / "other") == stored(lab.store)


def test_a_run_that_is_killed_ends_like_an_undisturbed_one(lab: Lab) -> None:
    lab.fill(10)
    given = options(lab.clips, lab.store, shard_size=1)
    kills = 0
    for parts in (2, 7, 13):
        kills += kill_after(given, lab.store, parts)
    assert kills == 3
    half = stored(lab.store)
    assert 0 < len(half) < 20
    report = encode_features(given, Silent())
    encode(lab.clips, lab.root / "undisturbed")
    assert stored(lab.store) == stored(lab.root / "undisturbed")
    assert sum(stream.encoded for stream in report.streams) == 20 - len(half), "nothing was encoded twice"
    assert list(faults(lab.store)) == []


def kill_after(given: FeatureOptions, store: Path, parts: int, how: signal.Signals = signal.SIGKILL) -> bool:
    """End a run as soon as there are so many parts. False if it had ended by then."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, given.model_dump_json()],
        cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if len(list((store / "features").glob("*/part-*.json"))) >= parts:
            (os.killpg if how is signal.SIGKILL else os.kill)(process.pid, how)
            process.wait(30)
            return True
        time.sleep(0.005)
    return False


def test_an_interrupted_run_ends_at_once_and_keeps_what_it_has(lab: Lab) -> None:
    lab.fill(10)
    given = options(lab.clips, lab.store, shard_size=1)
    assert kill_after(given, lab.store, 3, signal.SIGINT)
    kept = len(stored(lab.store))
    assert 3 <= kept < 20
    assert sum(stream.encoded for stream in encode_features(given, Silent()).streams) == 20 - kept


def test_too_many_clips_that_fail_end_with_exit_code_3(lab: Lab) -> None:
    lab.fill(2)
    (lab.clips / "noise.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)) * 20)
    report = encode(lab.clips, lab.store)
    assert report.exit_code == ExitCode.TOO_MANY_QUARANTINED
    assert [sum(stream.quarantined.values()) for stream in report.streams] == [1, 1]
    assert encode(lab.clips, lab.store, max_quarantine=0.5).exit_code == ExitCode.DONE


def test_a_withdrawn_clip_is_not_encoded(lab: Lab) -> None:
    lab.fill(2)
    (lab.clips / "list.csv").write_text("path,consent\nclip00.mp4,any\nclip01.mp4,withdrawn\n")
    report = encode(lab.clips / "list.csv", lab.store)
    assert (report.names, report.clips, report.quarantined) == (2, 1, 1)
    assert len(stored(lab.store)) == 2


def test_two_encoders_of_one_stream_are_refused_before_anything_runs(lab: Lab) -> None:
    lab.fill(1)
    with pytest.raises(UsageError, match="Two encoders of the face"):
        encode(lab.clips, lab.store, FACE, FACE)
    assert not lab.store.exists()


def test_a_model_that_is_not_there_is_refused_before_anything_runs(lab: Lab) -> None:
    lab.fill(1)
    with pytest.raises(UsageError, match="'nobody/nothing' is neither a folder nor in the local"):
        encode(lab.clips, lab.store, EncoderOptions(kind="hubert", model="nobody/nothing"))
    assert not lab.store.exists()
