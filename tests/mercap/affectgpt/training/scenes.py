"""Runs in processes of their own, some of which kill themselves: ``python -m tests....scenes SCENES.json``.

One process imports everything and forks for each scene, since importing takes longer than a scene. The file lists
scenes: ``folder``; ``options``, as `lessons.quick` takes them; ``model`` "float32" or "float64"; ``kill`` null,
{"after": step} or {"save": step, "when": "writing" | "unvouched"}; ``stream`` true for the control in which dropout
goes on from wherever it was; ``ranks`` for how many processes share the run; ``again``: how often to start anew after
having been killed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

from mercap.backends.torchaudio_repair import repair_torchaudio

repair_torchaudio()

import torch  # noqa: E402

from mercap.affectgpt.training import checkpoint, loop  # noqa: E402
from tests.mercap.affectgpt.batches import vivid  # noqa: E402
from tests.mercap.affectgpt.training.lessons import learner, lessons, quick  # noqa: E402

DROPOUT = 0.2


def main(path: Path) -> None:
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    for scene in json.loads(path.read_text()):
        for _ in range(scene.get("again", 1)):
            ended = play(scene)
            if ended == 0:
                break
            assert ended == -signal.SIGKILL, (scene["folder"], ended)


def play(scene: dict[str, Any]) -> int:
    """One scene in one process per rank; how the first of them ended."""
    ranks = scene.get("ranks", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(ranks):
        child = os.fork()
        if child == 0:
            if ranks > 1:
                os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks))
                os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
            act(scene)
        children.append(child)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return next((one for one in ended if one), 0)


def act(scene: dict[str, Any]) -> None:
    status = 1
    try:
        options = quick(lora_dropout=DROPOUT, **scene["options"])
        model = learner(vivid(lora_dropout=DROPOUT), getattr(torch, scene.get("model", "float32")))
        torch.manual_seed(99)
        kill = scene.get("kill") or {}
        if scene.get("stream"):
            loop.torch.manual_seed = lambda _seed: None  # type: ignore[attr-defined]
        if "save" in kill:
            prepare_kill(kill)
        for event in loop.fit(model, lessons(model.config, 23), options, Path(scene["folder"])):
            if event.kind == "step" and event.step == kill.get("after"):
                die()
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if status:
            import traceback

            traceback.print_exc()
        os._exit(status)


def prepare_kill(kill: dict[str, Any]) -> None:
    """Die half way through the tensors of a checkpoint, or when they are there and nothing vouches for them yet."""
    write, vouch = checkpoint.write_atomically, checkpoint.write_json

    def write_half(path: Path, fill: Any) -> None:
        if kill["when"] != "writing" or f"{kill['save']:09d}" not in path.name:
            write(path, fill)
            return

        def fill_half(temporary: Path) -> None:
            fill(temporary)
            os.truncate(temporary, temporary.stat().st_size // 2)
            die()

        write(path, fill_half)

    def vouch_not(path: Path, about: Any) -> None:
        if kill["when"] == "unvouched" and f"{kill['save']:09d}" in path.name:
            die()
        vouch(path, about)

    checkpoint.write_atomically, checkpoint.write_json = write_half, vouch_not


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
