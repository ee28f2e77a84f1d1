"""What the tiny models of these tests are taught to say to the project's own prompts."""

from __future__ import annotations

import json

from prompts import load_prompt

NARRATIVE = (
    "The words sound weary, and the speaker says that nothing works any more. The lowered brows and the quiet voice "
    "support this reading. Most likely the person feels sad and tired."
)
SEEN = "The brows are lowered and the corners of the mouth point down throughout. The person looks sad, perhaps tired."
HEARD = "The voice is quiet and slow, with long pauses. It sounds sad, perhaps tired."
SAID = "Nothing works any more, and I am so tired of it."
NOBODY, NO_SPEECH = "NO PERSON", "NO SPEECH"
LABELS = json.dumps(
    {
        "labels": [
            {"text": "weary", "quote": "sound weary"},
            {"text": "sad", "quote": "feels sad"},
            {"text": "tired", "quote": "sad and tired"},
        ],
        "sentiment": "negative",
    }
)
MERGED = json.dumps({"narrative": NARRATIVE, "conflict": False})
POINTS = json.dumps(
    {"happy": 5, "sad": 70, "angry": 5, "surprised": 0, "fearful": 10, "disgusted": 0, "neutral": 10}
)  # fmt: skip
NO_POINTS = json.dumps(
    {"neutral": 100, "happy": 0, "sad": 0, "angry": 0, "surprised": 0, "fearful": 0, "disgusted": 0}
)  # fmt: skip


def prompt(name: str) -> str:
    """As it is sent."""
    return load_prompt(name).text.strip()


TEXT = [
    (prompt("merge/v1.en"), NARRATIVE),
    (prompt("merge/v2.en"), MERGED),
    (prompt("label/v1.en"), LABELS),
    (prompt("emotion/v1.en"), POINTS),
]
PICTURES = [(prompt("describe_visual/v1.en"), SEEN, NOBODY), (prompt("emotion/v1.en"), POINTS, NO_POINTS)]
SOUND = [
    (prompt("describe_audio/v1.en"), HEARD, NO_SPEECH),
    (prompt("transcribe/v1.en"), SAID, NO_SPEECH),
    (prompt("emotion/v1.en"), POINTS, NO_POINTS),
]
# What users of the text model say: the last is long, and kept for its exam.
USERS = [
    "<<text 0a1b2c3d4e5f>>\n" + NARRATIVE + "\n<<end of text 0a1b2c3d4e5f>>",
    "<<words 9f8e7d6c5b4a>>\nWe won! I can hardly believe it.\n<<end of words 9f8e7d6c5b4a>>",
    "<<seen 9f8e7d6c5b4a>>\n(there is none)\n<<end of seen 9f8e7d6c5b4a>>",
    "\n".join(f"<<words {place:012x}>>\nHe smiles, he is loud and happy; {place} times.\n" for place in range(40)),
]
