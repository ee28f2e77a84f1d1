"""A file that names other files and addresses makes nobody open them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from mercap.media.policy import MediaLimits
from tests.mercap.media.canary import Canary
from tests.mercap.media.clips import make
from tests.mercap.media.references import CONTAINERS, TEXTS, alias, write_all
from tests.mercap.media.trial import ingest_all

LIMITS = MediaLimits(seconds=30, decode_seconds=10, memory_mb=512)


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    (tmp_path / "elsewhere").mkdir()
    with Canary(make(tmp_path / "elsewhere" / "secret.mp4", frames=10, seconds=0)) as watched:
        watched.was_opened()
        yield watched


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def test_nothing_that_a_file_names_is_opened_or_called(folder: Path, canary: Canary) -> None:
    paths = write_all(folder, canary.file, canary.port)
    trial = ingest_all(paths, folder, LIMITS)
    trial.check(LIMITS, folder)
    assert not canary.was_opened()
    assert not canary.was_called()
    causes = {path.name: outcome.cause for path, outcome in zip(paths, trial.outcomes, strict=True)}
    assert {causes[name] for name in TEXTS} == {"format"}
    assert causes.pop("address.mov") is None  # FFmpeg knows no such reference: the file's own pictures are decoded
    assert {causes.get(name, "decode") for name in CONTAINERS} == {"decode", "no_streams", "format"}


def test_a_canary_notices_a_script_that_is_obeyed(folder: Path, canary: Canary) -> None:
    """Without our guard FFmpeg does open what these files name: the test above can fail."""
    write_all(folder, canary.file, canary.port)
    with av.open(str(folder / "concat.mkv"), format="concat", options={"safe": "0"}):
        pass
    assert canary.was_opened()
    (folder / "called.txt").write_text(f"ffconcat version 1.0\nfile 'http://127.0.0.1:{canary.port}/a.mp4'\n")
    options = {"safe": "0", "protocol_whitelist": "file,http,tcp"}
    with pytest.raises(av.error.FFmpegError):
        av.open(str(folder / "called.txt"), format="concat", options=options, timeout=0.5)
    assert canary.was_called()


def test_a_canary_notices_an_alias_that_is_followed(folder: Path, canary: Canary) -> None:
    alias(folder / "alias.mov", canary.file, "")
    with av.open(str(folder / "alias.mov"), options={"enable_drefs": "1", "use_absolute_path": "1"}):
        pass
    assert canary.was_opened()
