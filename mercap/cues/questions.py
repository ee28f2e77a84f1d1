"""What a model is asked, as messages: the prompt, and the clip's own material kept apart from it.

The prompt is the system message and says what to do. Everything that comes from a clip, a subtitle or another model is
one user message, each piece of text between markers that nobody who wrote the piece could know: they carry a digest of
all pieces. So no text can end its own piece, or open another, and what it says stays evidence.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mercap.identity import digest_config
from mercap.media.excerpt import Excerpt
from mercap.records import Cue, Emotion, Narrative, Sentiment, Transcript

Messages = list[dict[str, Any]]

MISSING = "(there is none)"
MARKER_CHARS = 12  # of the digest
VIDEO_KINDS = {".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska"}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


_TEXT = {"type": "string"}
_POINTS = {"type": "integer", "minimum": 0, "maximum": 100}  # left free, some write endless digits

# Schemas of the answers, by question and version, for models that can be held to one. A question without is answered
# in plain words.
SCHEMAS: dict[str, dict[str, Any]] = {
    "merge/v2": _object(narrative=_TEXT, conflict={"type": "boolean"}),
    "label/v1": _object(
        labels={"type": "array", "items": _object(text=_TEXT, quote=_TEXT)},
        sentiment={"type": "string", "enum": [str(one) for one in Sentiment]},
    ),
    "emotion/v1": _object(**{str(one): _POINTS for one in Emotion}),
    "sentiment/v1": _object(**{str(one): _POINTS for one in Sentiment}),
}


def merge_messages(prompt: str, transcript: Transcript | None, visual: Cue | None, audio: Cue | None) -> Messages:
    """The three pieces of evidence, said to be missing where there is none."""
    pieces = {
        "words": transcript.text if transcript else None,
        "seen": visual.text if visual else None,
        "heard": audio.text if audio else None,
    }
    return _messages(prompt, _marked(pieces))


def label_messages(prompt: str, narrative: Narrative) -> Messages:
    return _messages(prompt, _marked({"text": narrative.text}))


def words_messages(prompt: str, transcript: Transcript) -> Messages:
    return _messages(prompt, _marked({"words": transcript.text}))


def frames_messages(prompt: str, excerpt: Excerpt) -> Messages:
    """The frames in order of time, as data: addresses."""
    times = ", ".join(f"{time_s:g}" for time_s in excerpt.times_s)
    text = f"Frames at {times} s of a clip of {excerpt.duration_s:.1f} s."
    images = [{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{jpeg}"}} for jpeg in excerpt.jpegs]
    return _messages(prompt, [{"type": "text", "text": text}, *images])


def audio_messages(prompt: str, excerpt: Excerpt) -> Messages:
    text = f"A recording of {excerpt.duration_s:.1f} s."
    sound = {"type": "input_audio", "input_audio": {"data": excerpt.wav, "format": "wav"}}
    return _messages(prompt, [{"type": "text", "text": text}, sound])


def video_messages(prompt: str, path: Path) -> Messages:
    """The clip's own file. `video_url` is an extension of the protocol that vLLM and others understand."""
    data = base64.b64encode(path.read_bytes()).decode()
    kind = VIDEO_KINDS.get(path.suffix.lower(), "video/mp4")
    return _messages(prompt, [{"type": "video_url", "video_url": {"url": f"data:{kind};base64,{data}"}}])


def _marked(pieces: Mapping[str, str | None]) -> str:
    marker = digest_config(dict(pieces))[:MARKER_CHARS]
    parts = [f"<<{name} {marker}>>\n{text or MISSING}\n<<end of {name} {marker}>>" for name, text in pieces.items()]
    return "\n\n".join(parts)


def _messages(prompt: str, content: str | list[dict[str, Any]]) -> Messages:
    return [{"role": "system", "content": prompt.strip()}, {"role": "user", "content": content}]


def plain_messages(messages: Messages) -> list[tuple[str, str]]:
    """(role, text) for people to read: what is no text is named with its size."""
    return [(one["role"], _plain(one["content"])) for one in messages]


def _plain(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] if part["type"] == "text" else _named(part) for part in content)


def _named(part: dict[str, Any]) -> str:
    inner = part[part["type"]]
    size = len(inner.get("url") or inner.get("data") or "") * 3 / 4000
    return f"[{part['type']}, {size:.0f} kB]"
