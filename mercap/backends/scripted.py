"""The deterministic double: replies are a function of the question and its inputs, calls are counted, faults played.

It stands in for a model in tests and rehearsals. Every call appends one line to ``log`` before it answers, in one
write, so that calls can be counted across processes and kills.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from mercap.errors import CAUSES, CellFailure, NothingToDo
from mercap.identity import canonical_json, digest_text
from mercap.outcome import Answer
from mercap.records import Cue, Emotion, Evidence, Label, Labels, Narrative, Record, Segment, Sentiment, Transcript
from mercap.roles import Scripted
from prompts import load_prompt

_EMOTIONS = tuple(Emotion)
_SENTIMENTS = {
    Emotion.HAPPY: Sentiment.POSITIVE,
    Emotion.SURPRISED: Sentiment.POSITIVE,
    Emotion.NEUTRAL: Sentiment.NEUTRAL,
}


def ask(options: Scripted, role: str, clip: str, inputs: dict[str, Any]) -> Answer:
    """One call in ``role``. ``inputs`` are JSON values. Raises CellFailure or NothingToDo as the script says."""
    _count(options, role, clip)
    if options.delay_s:
        time.sleep(options.delay_s)
    _play_fault(options, clip)
    prompt = load_prompt(options.prompt).text if options.prompt else ""
    seed = digest_text(canonical_json([role, clip, prompt, inputs]))
    record = _REPLIES[role](_EMOTIONS[int(seed[:8], 16) % len(_EMOTIONS)], seed)
    return Answer(record, raw=record.model_dump_json())


def _count(options: Scripted, role: str, clip: str) -> None:
    if options.log is None:
        return
    line = json.dumps({"role": role, "clip": clip, "pid": os.getpid(), "at": time.time()}) + "\n"
    handle = os.open(Path(options.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def _play_fault(options: Scripted, clip: str) -> None:
    for prefix, cause in options.faults.items():
        if clip.startswith(prefix):
            if cause.startswith("no_"):
                raise NothingToDo(cause)
            raise CellFailure(cause, f"scripted fault: {CAUSES[cause]}", retryable=cause in ("backend", "timeout"))


def _transcript(emotion: Emotion, seed: str) -> Record:
    text = f"I feel {emotion} about number {seed[:4]}"
    return Transcript(
        segments=(Segment(start_s=0.0, end_s=1.0, text=text, confidence=0.9),),
        language="en",
        origin="recognised",
        confidence=0.9,
    )


def _cue(modality: str, emotion: Emotion, seed: str) -> Record:
    text = f"The {modality} impression numbered {seed[:4]} is {emotion}."
    evidence = Evidence(observation="impression", text=text, emotions=(emotion,), strength=0.5)
    return Cue(modality=modality, text=text, language="en", evidence=(evidence,))


def _narrative(emotion: Emotion, seed: str) -> Record:
    return Narrative(
        text=f"The words, the face and the voice all say that the person is {emotion} ({seed[:4]}).", language="en"
    )


def _labels(emotion: Emotion, _seed: str) -> Record:
    return Labels(
        labels=(Label(text=str(emotion), start=0, end=1),), sentiment=_SENTIMENTS.get(emotion, Sentiment.NEGATIVE)
    )


_REPLIES = {
    "transcribe": _transcript,
    "describe_visual": lambda emotion, seed: _cue("visual", emotion, seed),
    "describe_audio": lambda emotion, seed: _cue("audio", emotion, seed),
    "merge": _narrative,
    "label": _labels,
}
