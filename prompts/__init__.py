"""Versioned prompt text and its loader. A published version never changes: ``tests/prompts/digests.json`` holds it."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

PROMPTS = Path(__file__).resolve().parent


class Prompt(NamedTuple):
    """``name`` is ``<question>/<version>.<language>``, e.g. ``merge/v1.en``; ``digest`` is over the text."""

    name: str
    text: str
    digest: str


class UnknownPrompt(LookupError):
    """No such file; the message lists what there is."""


def prompt_names() -> list[str]:
    return sorted(path.relative_to(PROMPTS).with_suffix("").as_posix() for path in PROMPTS.glob("*/v*.md"))


@functools.cache
def load_prompt(name: str) -> Prompt:
    """Raises UnknownPrompt. Only names listed by `prompt_names` are opened, so a name cannot leave the folder."""
    if name not in prompt_names():
        raise UnknownPrompt(f"there is no prompt {name!r}; there are {', '.join(prompt_names())}")
    text = (PROMPTS / f"{name}.md").read_text(encoding="utf-8")
    return Prompt(name, text, hashlib.sha256(text.encode()).hexdigest())
