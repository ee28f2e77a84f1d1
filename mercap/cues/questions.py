"""What a language model is asked in the roles that read text: `merge` and `label`.

The prompt is the system message and says what to do. Everything that comes from a clip, a subtitle or another model is
one user message, each piece between markers that nobody who wrote the piece could know: they carry a digest of all
pieces. So no text can end its own piece, or open another, and what it says stays evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mercap.identity import digest_config
from mercap.records import Cue, Narrative, Transcript

Messages = list[dict[str, Any]]

MISSING = "(there is none)"
MARKER_CHARS = 12  # of the digest

# Schemas of the answers, for endpoints that hold a model to one.
SCHEMAS: dict[str, dict[str, Any]] = {
    "label": {
        "type": "object",
        "additionalProperties": False,
        "required": ["labels", "sentiment"],
        "properties": {
            "labels": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["text", "quote"],
                    "properties": {"text": {"type": "string"}, "quote": {"type": "string"}},
                },
            },
            "sentiment": {"type": "string", "enum": ["positive", "negative", "neutral"]},
        },
    },
}


def merge_messages(prompt: str, transcript: Transcript | None, visual: Cue | None, audio: Cue | None) -> Messages:
    """The three pieces of evidence, said to be missing where there is none."""
    pieces = {
        "words": transcript.text if transcript else None,
        "seen": visual.text if visual else None,
        "heard": audio.text if audio else None,
    }
    return _messages(prompt, pieces)


def label_messages(prompt: str, narrative: Narrative) -> Messages:
    return _messages(prompt, {"text": narrative.text})


def _messages(prompt: str, pieces: Mapping[str, str | None]) -> Messages:
    marker = digest_config(dict(pieces))[:MARKER_CHARS]
    parts = [f"<<{name} {marker}>>\n{text or MISSING}\n<<end of {name} {marker}>>" for name, text in pieces.items()]
    return [{"role": "system", "content": prompt.strip()}, {"role": "user", "content": "\n\n".join(parts)}]
