"""`transformers serve` on a free loopback port, without a network, for as long as a test needs it.

One server serves any number of models: a request's ``model`` is the folder of one.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from json import dumps
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_S, LOAD_S, STOP_S, POLL_S = 240.0, 120.0, 10.0, 0.1
LOG_TAIL_CHARS = 3000
_RUNNING_ON = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


@contextmanager
def served(models: Sequence[Path], cache: Path) -> Iterator[str]:
    """The base URL, ending in /v1, of a server that has loaded ``models``; ``cache`` holds its log and its hub cache.

    Raises RuntimeError with the end of the log if the server ends, is not ready in time or cannot load a model.
    """
    (cache / "hub").mkdir(parents=True, exist_ok=True)
    log = cache / "serve.log"
    command = [
        sys.executable,
        "-m",
        "tests.engines.transformers_command",
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    command += ["--device", "cpu", "--model-timeout", "3600"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(cache), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{_port(process, log)}"
        for model in models:
            _load(url, model, log)
        yield f"{url}/v1"
    finally:
        _end(process)


def _environment(cache: Path) -> dict[str, str]:
    """Nothing is fetched; one thread, because the models are too small to share out."""
    mine = {"HF_HOME": str(cache), "HF_HUB_CACHE": str(cache / "hub"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **mine, "PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"}


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the system chose, as the server says it."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if (found := _RUNNING_ON.search(log.read_text(errors="replace"))) is not None:
            return int(found[1])
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{_tail(log)}")
        time.sleep(POLL_S)
    raise RuntimeError(f"the server was not ready within {READY_S:g} s:\n{_tail(log)}")


def _load(url: str, model: Path, log: Path) -> None:
    """Have the server load a model now, so that no test waits for it; it answers with a line of JSON per stage."""
    request = urllib.request.Request(
        f"{url}/load_model", dumps({"model": str(model)}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=LOAD_S) as response:
        stages = response.read().decode()
    if '"ready"' not in stages:
        raise RuntimeError(f"the server could not load {model}: {stages[-LOG_TAIL_CHARS:]}\n{_tail(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait(STOP_S)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL_CHARS:]
