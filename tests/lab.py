"""What the flow tests work with: tiny clips made here, a recipe whose models are scripted, and runs in processes."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from mercap.records import PAYLOADS
from storage.cells import counting_row_ids
from storage.schema import CELL_SCHEMA
from storage.store import Store

ROOT = Path(__file__).resolve().parent.parent


def make_clip(path: Path, seed: int, *, seconds: float = 0.6, audio: bool = True, video: bool = True) -> Path:
    """A small valid mp4: moving noise and a tone, different for every seed."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=10) if video else None
        sound = container.add_stream("aac", rate=16_000, layout="mono") if audio else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
            still = rng.integers(0, 255, (8, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            for number in range(math.ceil(seconds * 10)):
                frame = av.VideoFrame.from_ndarray(np.roll(still, number * 3, 1), format="rgb24")
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
        if sound is not None:
            t = np.arange(int(seconds * 16_000)) / 16_000
            wave = (0.2 * 32767 * np.sin(2 * np.pi * (150 + 20 * (seed % 10)) * t)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
            frame.sample_rate = 16_000
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


@dataclass
class Lab:
    """A folder of clips, a store, and a scripted recipe that logs its calls."""

    root: Path
    delay_s: float = 0.0

    @property
    def clips(self) -> Path:
        return self.root / "clips"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def log(self) -> Path:
        return self.root / "calls.jsonl"

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    def fill(self, count: int, *, audio: bool = True) -> None:
        self.clips.mkdir(exist_ok=True)
        for seed in range(count):
            make_clip(self.clips / f"clip{seed:02d}.mp4", seed, audio=audio)

    def write_recipe(self, **changes: Any) -> None:
        """``changes`` are dotted keys with ``__`` for the dot, e.g. ``merge__prompt="merge/v1.en"``."""
        role = f'backend = "scripted"\nlog = {json.dumps(str(self.log))}\ndelay_s = {self.delay_s}\n'
        tables: dict[str, str] = {
            "media.frames": "rate_hz = 10\nheight_max = 64\n",
            "diarize": 'backend = "silero"\n',
            **dict.fromkeys(("transcribe", "describe_visual", "describe_audio", "merge", "label"), role),
        }
        voters = changes.pop("voters", ("words", "face"))
        for key, value in changes.items():
            table, _, name = key.rpartition("__")
            table = table.replace("__", ".")
            kept = [line for line in tables.get(table, "").splitlines() if not line.startswith(f"{name} =")]
            tables[table] = "\n".join([*kept, f"{name} = {_toml(value)}"]) + "\n"
        text = 'name = "scripted"\n' + "".join(f"\n[{name}]\n{body}" for name, body in tables.items())
        text += "".join(f'\n[[vote]]\nname = "{voter}"\n' for voter in voters)
        self.recipe.write_text(text, encoding="utf-8")

    # --- running -------------------------------------------------------------------------------------------------
    def command(self, *extra: str, runner: str = "plain", source: Path | None = None) -> list[str]:
        return [
            sys.executable, "-m", "app", "annotate", str(source or self.clips), "--store", str(self.store),
            "--recipe", str(self.recipe), "--runner", runner, "--workers", "2", "--json", *extra,
        ]  # fmt: skip

    def annotate(self, *extra: str, expect: int = 0, **options: Any) -> dict[str, Any]:
        done = subprocess.run(self.command(*extra, **options), capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == expect, done.stderr[-3000:] + done.stdout[-1000:]
        report: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return report

    def kill_after(self, seconds: float, *, group: bool, runner: str = "plain") -> bool:
        """Start a run and SIGKILL it (its whole group, or the parent alone). False if it had ended by then."""
        process = subprocess.Popen(
            self.command(runner=runner), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
            return True
        return False

    # --- looking -------------------------------------------------------------------------------------------------
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def call_counts(self) -> Counter[str]:
        return Counter(call["role"] for call in self.calls())

    def cells(self) -> dict[str, tuple[str, str, str | None, str | None, str | None]]:
        """cell id -> what was computed, without times, runs and places: equal stores give equal dictionaries."""
        return {
            row["cell_id"]: tuple(row[name] for name in ("stage", "status", "voter", "payload", "cause"))
            for row in self.rows()
        }  # type: ignore[misc]

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows that count, by the read rule."""
        store = Store.open(self.store)
        for stage in PAYLOADS:
            counting = set(counting_row_ids(store, stage))
            for path in store.parts(stage):
                rows = store.read_part(path, tuple(CELL_SCHEMA.names)).to_pylist()
                yield from (row for row in rows if row["row_id"] in counting)
