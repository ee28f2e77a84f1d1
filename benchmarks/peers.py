"""What other tools take for steps that do nothing: datatrove and Data-Juicer, 7 steps, one file per step.

    python -m benchmarks.peers --environments DIR [--clips 1000 10000] [--json]

Each tool gets a virtual environment of its own in DIR, made on first use from pinned versions (datatrove 160 MB and
half a minute, Data-Juicer 670 MB and two minutes) and then kept. An item is an id and a path. The clock runs from the
first item to the last file, without imports; a small run before it takes the tool's one-off costs (compiled files,
caches) away. Both are used as a newcomer would, close to their defaults: a fair first use, not their best tuning.
Data-Juicer runs in as many processes as there are cores, which is its faster setting, and then writes that many files
per step.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

STEPS = 7
INSTALL_S = 480
RUN_S = 900
WARM_UP = 20  # items

_DATATROVE = """
import json, sys, time
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.writers import JsonlWriter

folder, count, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

class Nothing(PipelineStep):
    name = "nothing"
    def run(self, data, rank=0, world_size=1):
        yield from data

def items(data, rank=0, world_size=1):
    for number in range(count):
        yield Document(text=f"clip{number:06d}.mp4", id=f"{number:032x}")

pipeline = [items]
for step in range(steps):
    pipeline += [Nothing(), JsonlWriter(f"{folder}/step{step}", compression=None)]
started = time.perf_counter()
LocalPipelineExecutor(pipeline=pipeline, logging_dir=f"{folder}/logs", tasks=1, workers=1).run()
wall_s = time.perf_counter() - started
with open(f"{folder}/step{steps - 1}/00000.jsonl") as lines:
    answer = {"wall_s": wall_s, "items": sum(1 for _ in lines)}
with open(f"{folder}/answer.json", "w") as file:
    json.dump(answer, file)
"""

_DATA_JUICER = """
import json, os, sys, time
folder, count, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ.update(HF_HOME=f"{folder}/hf", DATA_JUICER_CACHE_HOME=f"{folder}/cache", HF_HUB_OFFLINE="1")
from data_juicer.config import init_configs
from data_juicer.core import DefaultExecutor
from data_juicer.ops.base_op import OPERATORS, Mapper

names = [f"nothing_{step}_mapper" for step in range(steps)]
for name in names:
    @OPERATORS.register_module(name)
    class Nothing(Mapper):
        def process_single(self, sample):
            return sample

with open(f"{folder}/items.jsonl", "w") as items:
    items.writelines(
        json.dumps({"id": f"{number:032x}", "text": f"clip{number:06d}.mp4"}) + "\\n" for number in range(count)
    )
recipe = {
    "project_name": "nothing", "dataset_path": f"{folder}/items.jsonl", "export_path": f"{folder}/out.jsonl",
    "np": os.cpu_count(), "open_tracer": False, "process": [{name: {}} for name in names],
}
with open(f"{folder}/recipe.yaml", "w") as file:
    json.dump(recipe, file)
started = time.perf_counter()
DefaultExecutor(init_configs(["--config", f"{folder}/recipe.yaml"])).run()
wall_s = time.perf_counter() - started
with open(f"{folder}/out.jsonl") as lines:
    answer = {"wall_s": wall_s, "items": sum(1 for _ in lines)}
with open(f"{folder}/answer.json", "w") as file:
    json.dump(answer, file)
"""


class Peer(NamedTuple):
    tool: str
    requirements: tuple[str, ...]
    script: str


PEERS = (
    # orjson: its JSON writer asks for it, its requirements do not.
    Peer("datatrove", ("datatrove==0.10.1", "orjson==3.13.0"), _DATATROVE),
    # aiohttp: imported by the package, missing from its requirements.
    Peer("py-data-juicer", ("py-data-juicer==1.6.1", "aiohttp==3.14.5"), _DATA_JUICER),
)


class Failed(Exception):
    """One sentence on why a peer has no figure."""


def environment(peer: Peer, folder: Path) -> Path:
    """The interpreter of the peer's environment below ``folder``, installed unless it is there. Raises Failed."""
    home = folder / peer.requirements[0].replace("==", "-")
    python = home / "bin" / "python"
    ready = home / "ready"  # written last, so that a half-made environment is not taken for a whole one
    if not ready.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        call([sys.executable, "-m", "venv", "--clear", str(home)], INSTALL_S, f"{peer.tool}: making its environment")
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        call([*install, *peer.requirements], INSTALL_S, f"{peer.tool}: installing it")
        ready.write_text("\n".join(peer.requirements) + "\n", encoding="utf-8")
    return python


def run(peer: Peer, python: Path, count: int) -> float:
    """Seconds that ``count`` items took through all steps. Raises Failed."""
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as folder:
        command = [str(python), "-c", peer.script, folder, str(count), str(STEPS)]
        call(command, RUN_S, f"{peer.tool}: running {count} items")
        answer = json.loads((Path(folder) / "answer.json").read_text(encoding="utf-8"))
    if answer["items"] != count:
        raise Failed(f"{peer.tool}: of {count} items {answer['items']} came out.")
    return float(answer["wall_s"])


def call(command: list[str], seconds: int, what: str) -> None:
    """Run ``command`` without this process's ``PYTHONPATH``. Raises Failed."""
    passed_on = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, env=passed_on)
    except subprocess.TimeoutExpired:
        raise Failed(f"{what} took more than {seconds} s.") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise Failed(f"{what} failed: {last[0]}")


def measure(counts: list[int], folder: Path) -> list[dict[str, Any]]:
    """A row per peer and count: tool, clips, steps, wall_s, ms_per_clip_stage, why (a sentence where they are None).

    ``folder`` keeps the environments.
    """
    rows: list[dict[str, Any]] = []
    for peer in PEERS:
        why: str | None = None
        try:
            python = environment(peer, folder)
            run(peer, python, WARM_UP)
        except Failed as failure:
            why = str(failure)
        for count in counts:
            wall_s: float | None = None
            if why is None:
                try:
                    wall_s = run(peer, python, count)
                except Failed as failure:
                    why = str(failure)
            ms = None if wall_s is None else 1000.0 * wall_s / (count * STEPS)
            rows.append(
                {"tool": peer.requirements[0], "clips": count, "steps": STEPS, "wall_s": wall_s,
                 "ms_per_clip_stage": ms, "why": why}
            )  # fmt: skip
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    print(f"{'tool':<24}{'clips':>8}{'steps':>7}{'wall s':>10}{'ms per clip and step':>23}")
    for row in rows:
        figures = (
            f"{row['wall_s']:>10.2f}{row['ms_per_clip_stage']:>23.4f}" if row["why"] is None else f"  {row['why']}"
        )
        print(f"{row['tool']:<24}{row['clips']:>8}{row['steps']:>7}{figures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, required=True, metavar="DIR", help="where their packages go")
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure(arguments.clips, arguments.environments)
    if arguments.json:
        print(json.dumps({"steps": STEPS, "rows": rows}))
        return
    show(rows)


if __name__ == "__main__":
    main()
