"""What a decode that was killed leaves behind does not stay."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from mercap.media.policy import MediaLimits
from mercap.media.sampling import Sample, Sampling
from mercap.workers.operations import derive
from mercap.workers.pool import Request, WorkerPool
from tests.lab import ROOT
from tests.mercap.media.clips import make
from tests.mercap.media.trial import media_of

CHILD = (sys.executable, str(Path(__file__).with_name("strange_child.py")))
HANGING = """
import sys, time
from pathlib import Path
from mercap.media.derived import whole_folder
with whole_folder(Path(sys.argv[1])) as aside:
    (aside / "frames.jpg").write_bytes(b"half a picture")
    print("decoding", flush=True)
    time.sleep(60)
"""


def test_the_next_attempt_removes_what_a_sigkill_left(tmp_path: Path) -> None:
    media = media_of(make(tmp_path / "clip.mp4", frames=10, seconds=0.4), tmp_path, MediaLimits())
    command = [sys.executable, "-c", HANGING, str(media.folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "decoding\n"
        assert derive(media).exists
        assert len(list(media.folder.parent.glob(".*"))) == 1, "a running process keeps its folder"
        derive(media).discard()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(list(media.folder.parent.glob(".*"))) == 1
    assert derive(media).container().format == "mov"
    assert [folder.name for folder in media.folder.parent.iterdir()] == [media.folder.name]


def test_the_pool_removes_what_a_worker_left_that_it_killed(tmp_path: Path) -> None:
    media = media_of(make(tmp_path / "clip.mp4", frames=10, seconds=0.4), tmp_path, MediaLimits())
    request = Request("hang_while_decoding", {"media": media.model_dump(mode="json")}, 1.0)
    with WorkerPool(1, CHILD) as pool:
        started = time.monotonic()
        assert pool.run(request).cause == "timeout"
        assert time.monotonic() - started < 10
    assert media.folder.parent.is_dir(), "the worker had begun"
    assert list(media.folder.parent.iterdir()) == []


def test_a_worker_samples_a_clip_for_encoders(tmp_path: Path) -> None:
    media = media_of(make(tmp_path / "clip.mp4", frames=10, seconds=0.4), tmp_path, MediaLimits())
    frame = Sampling(pictures=4, side=32, crop="frame", windows=0)
    with WorkerPool(1) as pool:
        made, face, sound = (
            pool.run(Request("sample", {"media": media.model_dump(mode="json"), "sampling": one.model_dump()}, 30.0))
            for one in (frame, Sampling(windows=0), Sampling(pictures=0))
        )
    assert Sample.model_validate_json(made.payload or "").fits(frame)
    assert (face.status, face.cause) == ("absent", "no_face")
    assert Sample.model_validate_json(sound.payload or "").windows.shape == (8, 32_000)
