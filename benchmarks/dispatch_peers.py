"""What other tools make of the requests of `benchmarks.dispatch`: datatrove and bespokelabs-curator.

`python -m benchmarks.dispatch --peers DIR` runs them beside ours. Each gets a virtual environment of its own in DIR,
made on first use from pinned versions (datatrove 110 MB, curator 620 MB) and then kept. A small run before the first
takes one-off costs (compiled files, caches) away. Both are used as a newcomer would, told how many to ask at once and
not to limit themselves per minute: a fair first use, not their best tuning. Their clock runs from the call to its last
answer in memory or on disk, without imports; processor time is that of the client and its child processes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.loopback import served
from benchmarks.peers import Failed, Peer, call, environment

RUN_S = 240
WARM_UP = 20  # requests

_DATATROVE = """
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter

def items(data, rank=0, world_size=1):
    for number in range(count):
        yield Document(text=f"{number}: {narrative}", id=str(number))

async def ask(document, generate):
    return await generate({"messages": [{"role": "user", "content": document.text}]})

def run():
    config = InferenceConfig(
        server_type="endpoint", endpoint_url=url.removesuffix("/v1"), model_name_or_path="loopback",
        max_concurrent_generations=at_once,
    )
    runner = InferenceRunner(ask, config, JsonlWriter(f"{folder}/out", compression=None))
    LocalPipelineExecutor(pipeline=[items, runner], logging_dir=f"{folder}/logs", tasks=1, workers=1).run()
    with open(f"{folder}/out/00000.jsonl") as lines:
        return sum(bool(json.loads(line)["metadata"]["rollout_results"][0]["text"]) for line in lines)
"""

# It counts tokens with a table that it fetches, unless told of the copy in a package that it needs anyway.
_CURATOR = """
import importlib.util
litellm = importlib.util.find_spec("litellm").submodule_search_locations[0]
os.environ.update(
    TIKTOKEN_CACHE_DIR=f"{litellm}/litellm_core_utils/tokenizers", LITELLM_LOCAL_MODEL_COST_MAP="True",
    CURATOR_CACHE_DIR=f"{folder}/cache", HF_HOME=f"{folder}/hf", HF_HUB_OFFLINE="1", TELEMETRY_ENABLED="0",
    OPENAI_API_KEY="none",
)
from bespokelabs import curator

def run():
    limits = {"max_concurrent_requests": at_once, "max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10}
    model = curator.LLM(model_name="loopback", backend="openai", backend_params={"base_url": url, **limits})
    found = model([f"{number}: {narrative}" for number in range(count)])
    return sum(bool(row["response"]) for row in getattr(found, "dataset", found))
"""

_BEFORE = """
import json, os, sys, time
url, count, at_once, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with open(f"{folder}/narrative.txt") as file:
    narrative = file.read()
"""

_AFTER = """
wall_s, cpu_s = time.perf_counter(), sum(os.times()[:4])
answers = run()
wall_s, cpu_s = time.perf_counter() - wall_s, sum(os.times()[:4]) - cpu_s
with open(f"{folder}/answer.json", "w") as file:
    json.dump({"wall_s": wall_s, "cpu_s": cpu_s, "answers": answers}, file)
"""

PEERS = (
    # Without its extra `inference`, which brings torch: these three are what asking an endpoint takes.
    Peer("datatrove", ("datatrove==0.10.1", "orjson==3.13.0", "httpx==0.28.1", "aiofiles==25.1.0", "aiosqlite==0.22.1"),
         _DATATROVE),
    Peer("bespokelabs-curator", ("bespokelabs-curator==0.1.31",), _CURATOR),
)  # fmt: skip


class Took(NamedTuple):
    """Of one batch of requests: the whole call; first question to last answer; processor time."""

    wall_s: float
    busy_s: float
    cpu_s: float


def prepare(folder: Path) -> dict[str, Path | str]:
    """The interpreter of each peer by its name and version, or a sentence on why there is none."""
    found: dict[str, Path | str] = {}
    for peer in PEERS:
        try:
            python = environment(peer, folder / "dispatch")  # other packages than benchmarks.peers has beside the same
            run(peer, python, "A narrative.", 0.01, 4, WARM_UP)
            found[peer.requirements[0]] = python
        except Failed as failure:
            found[peer.requirements[0]] = str(failure)
    return found


def run(peer: Peer, python: Path, narrative: str, latency_s: float, concurrency: int, requests: int) -> Took:
    """Raises Failed where the peer fails, takes too long or loses an answer."""
    with tempfile.TemporaryDirectory(prefix="mercap-benchmark-") as folder, served(latency_s) as endpoint:
        (Path(folder) / "narrative.txt").write_text(narrative, encoding="utf-8")
        command = [str(python), "-c", _BEFORE + peer.script + _AFTER, endpoint.url, str(requests), str(concurrency)]
        call([*command, folder], RUN_S, f"{peer.tool}: {requests} requests, {concurrency} at once")
        answer = json.loads((Path(folder) / "answer.json").read_text(encoding="utf-8"))
        busy_s = endpoint.busy_s
    if answer["answers"] != requests:
        raise Failed(f"{peer.tool}: of {requests} requests {answer['answers']} were answered.")
    return Took(answer["wall_s"], busy_s, answer["cpu_s"])
