"""The worker process: reads requests from standard input, one JSON object a line, and answers each with one line.

Started by mercap/workers/pool.py as ``python -m mercap.workers.child``. It has no network from its first request to its
last, whatever the request is (mercap/workers/network.py says what holds where). It ends when its parent's end of the
pipe closes, by its own alarm if it is stuck when that happens, and after a reply marked ``leaving`` when it has become
too large.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

import cv2

from mercap.errors import MercapError
from mercap.outcome import REPLIED, attempt
from mercap.workers.guard import alarm, is_swollen
from mercap.workers.network import cut_network
from mercap.workers.operations import perform

_GRACE_S = 5.0  # the parent's clock strikes first; this one is for a child without a parent


def main() -> None:
    cut_network()
    replies = _claim_stdout()
    cv2.setNumThreads(1)
    _send(replies, {"ready": True})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        with alarm(request["seconds"] + _GRACE_S):
            reply = {**_answer(request), "leaving": is_swollen()}
            _send(replies, reply)
        if reply["leaving"]:
            return


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        outcome = attempt(lambda: perform(request["operation"], request["arguments"]))._asdict()
    except MercapError as error:
        return {"error": str(error), "type": type(error).__name__}
    return {name: outcome[name] for name in REPLIED}


def _claim_stdout() -> BinaryIO:
    """Keep standard output for replies alone: what a library prints goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "wb")


def _send(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
