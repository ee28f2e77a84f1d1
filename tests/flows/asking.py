"""A recipe whose models are behind an endpoint, and runs of it in this process."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import annotate_plainly
from flows.run import Report
from tests.endpoint import Endpoint
from tests.lab import Lab

STORY = "The words, the face and the voice all say that the person is happy."
CUE = "The corners of the mouth are raised from the first frame to the last."
POINTS = {"happy": 90, "sad": 0, "angry": 0, "surprised": 10, "fearful": 0, "disgusted": 0, "neutral": 0}
TEXT_ROLES, ALL_ROLES = ("merge", "label"), ("transcribe", "describe_visual", "describe_audio", "merge", "label")


def reply(text: str) -> str:
    """What a sensible model would say, told apart by the markers of the question or by its material."""
    if text.startswith("<<words") and "<<seen" in text:
        return f"{STORY} ({hashlib.sha256(text.encode()).hexdigest()[:12]})"
    if text.startswith("<<text"):
        return json.dumps({"labels": [{"text": "happy", "quote": "is happy"}], "sentiment": "positive"})
    return CUE


def use(lab: Lab, server: Endpoint, roles: tuple[str, ...] = TEXT_ROLES, **options: Any) -> None:
    """A recipe whose ``roles`` ask ``server``, the others being scripted."""
    lab.write_recipe()
    text = lab.recipe.read_text()
    for stage in roles:
        values = {"backend": "openai", "base_url": server.url, "model": "m", "prompt": f"{stage}/v1.en",
                  "timeout_s": 2.0, "concurrency": 4, **options}  # fmt: skip
        body = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        text = re.sub(rf"\[{stage}\]\n(?:.+\n)+", f"[{stage}]\n{body}", text)
    lab.recipe.write_text(text)


def run(lab: Lab, **options: Any) -> Report:
    """One run in this process. Raises MercapError."""
    made = {"source": str(lab.clips), "store": str(lab.store), "recipe": str(lab.recipe), "workers": 2, **options}
    return annotate_plainly(AnnotateOptions(**made), Silent())


def calls(server: Endpoint) -> tuple[int, int]:
    """Calls about narratives, and about labels."""
    merges = sum(count for text, count in server.calls.items() if text.startswith("<<words"))
    return merges, sum(server.calls.values()) - merges
