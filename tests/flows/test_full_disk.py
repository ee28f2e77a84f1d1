"""No room left, in the store or for temporary files: a sentence, and the same command goes on from there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from storage.store import Store
from storage.verify import verify
from tests.lab import ROOT, Lab

# After a number of calls, what writes finds the disk full, as the system says it.
FILLED = """
import errno, sys
from unittest import mock
import {module}
from app.cli import main
write, left = {module}.{name}, {left}
def fill(*arguments, **options):
    global left
    left -= 1
    if left < 0:
        raise OSError(errno.ENOSPC, "No space left on device")
    return write(*arguments, **options)
sys.argv = ["mercap", *{arguments!r}]
with mock.patch("{module}.{name}", fill):
    main()
"""


@pytest.mark.parametrize(
    ("module", "name", "left"),
    [
        ("storage.store", "write_atomically", 5),
        ("mercap.spool", "write_at", 4),
        ("storage.clip_columns", "write_at", 30),
    ],
    ids=["a part", "what is known of the names", "the index of cells"],
)
def test_a_full_disk_is_a_sentence_and_the_run_goes_on_later(tmp_path: Path, module: str, name: str, left: int) -> None:
    lab = Lab(tmp_path)
    lab.fill(3)
    lab.write_recipe()
    code = FILLED.format(module=module, name=name, left=left, arguments=lab.command()[3:])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("mercap: There is no room left to write")
    assert "Traceback" not in done.stderr
    runs = sorted((lab.store / "runs").glob("*/run.json"))
    assert [json.loads(run.read_text())["state"] for run in runs] in ([], ["interrupted"])
    assert lab.annotate()["captions"] == 3
    assert [finding for finding in verify(Store.open(lab.store)) if finding.level == "error"] == []
