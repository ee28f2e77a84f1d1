"""`transformers serve` with real models: what it makes of the requests that this project sends."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest

from mercap.cues.questions import SCHEMAS, audio_messages, frames_messages, label_messages
from mercap.cues.replies import read_labels, read_narrative, reply_text
from mercap.dispatch.dispatcher import Call, Dispatcher, Endpoint
from mercap.dispatch.faults import Transient, check_status, parse_completion
from mercap.dispatch.journal import Journal
from mercap.errors import CellFailure
from mercap.media.excerpt import Excerpt, play
from tests.engines import answers
from tests.engines.conftest import Engines

pytestmark = pytest.mark.engine

RATE = 16000
Body = dict[str, Any]


def jpegs(count: int, level: int) -> Excerpt:
    """Grey frames of one brightness."""
    _, jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), level, np.uint8))
    frame = base64.b64encode(jpeg.tobytes()).decode()
    return Excerpt(duration_s=1.0, times_s=tuple(range(count)), jpegs=(frame,) * count)


def sound(seconds: float, loudness: float) -> Excerpt:
    """A buzz."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    return play((loudness * 32767 * np.sign(np.sin(2 * np.pi * 150 * time_s))).astype(np.int16), RATE)


def asked(model: Path, messages: list[dict[str, Any]], **options: Any) -> Body:
    return {"model": str(model), "messages": messages, "temperature": 0, "max_tokens": 300, **options}


def narrated(engines: Engines, user: str = "hello", **options: Any) -> Body:
    messages = [{"role": "system", "content": answers.prompt("merge/v1.en")}, {"role": "user", "content": user}]
    return asked(engines.text, messages, **options)


def post(engines: Engines, body: Body) -> Body:
    """The completion. Raises what the dispatcher would."""

    async def send() -> Body:
        url = f"{engines.url}/chat/completions"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
            text = await response.text()
            check_status(url, response.status, response.headers, text)
            return parse_completion(text)

    return asyncio.run(send())


def tokens(completion: Body) -> int:
    return int(completion["usage"]["prompt_tokens"])


def test_each_prompt_gets_its_own_reply_however_long_the_message_is(engines: Engines) -> None:
    user = "<<words 1a2b3c4d5e6f>>\nI was so glad to see her, and now this.\n" * 40
    for prompt, reply in answers.TEXT:
        messages = [{"role": "system", "content": prompt}, {"role": "user", "content": user}]
        assert reply_text(post(engines, asked(engines.text, messages))) == reply


def test_a_reply_of_the_text_model_becomes_labels_of_its_own_narrative(engines: Engines) -> None:
    told = reply_text(post(engines, narrated(engines)))
    narrative = read_narrative(told, "merge/v1", "en", injection_suspect=False)
    messages = label_messages(answers.prompt("label/v1.en"), narrative)
    labels = read_labels(reply_text(post(engines, asked(engines.text, messages))), narrative)
    quoted = [narrative.text[one.start : one.end] for one in labels.labels]
    assert quoted == ["sound weary", "feels sad", "sad and tired"]


def test_several_frames_in_one_message_reach_the_model(engines: Engines) -> None:
    prompt = answers.prompt("describe_visual/v1.en")
    one, four, black = (
        post(engines, asked(engines.vision, frames_messages(prompt, jpegs(count, level))))
        for count, level in ((1, 150), (4, 150), (4, 0))
    )
    assert tokens(black) == tokens(four) > tokens(one) + 3 * 4
    assert [reply_text(body) for body in (one, four, black)] == [answers.SEEN, answers.SEEN, answers.NOBODY]


def test_a_recording_reaches_the_model(engines: Engines) -> None:
    prompt = answers.prompt("describe_audio/v1.en")
    short, long, silent = (
        post(engines, asked(engines.audio, audio_messages(prompt, sound(seconds, loudness))))
        for seconds, loudness in ((1, 0.1), (3, 0.1), (3, 0.0))
    )
    assert tokens(silent) == tokens(long) == tokens(short) + 2 * 25
    assert [reply_text(body) for body in (short, long, silent)] == [answers.HEARD, answers.HEARD, answers.NO_SPEECH]


def test_tokens_are_counted(engines: Engines) -> None:
    usage = post(engines, narrated(engines))["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] > len(answers.NARRATIVE.split())


def test_an_answer_that_reaches_max_tokens_is_said_to_be_cut_off(engines: Engines) -> None:
    with pytest.raises(CellFailure) as failed:
        reply_text(post(engines, narrated(engines, max_tokens=5)))
    assert failed.value.cause == "cut_off"


def test_a_schema_is_ignored_and_a_seed_accepted(engines: Engines) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMAS["label/v1"], "strict": True}}
    assert reply_text(post(engines, narrated(engines, response_format=schema, seed=7))) == answers.NARRATIVE


def test_pictures_for_a_model_that_sees_nothing_are_left_out_without_a_word(engines: Engines) -> None:
    messages = frames_messages(answers.prompt("merge/v1.en"), jpegs(4, 150))
    assert reply_text(post(engines, asked(engines.text, messages))) == answers.NARRATIVE


def test_a_model_that_is_not_there_looks_like_a_fault_of_the_server(engines: Engines) -> None:
    with pytest.raises(Transient, match="500: Internal Server Error"):
        post(engines, {**narrated(engines), "model": "nobody/nothing"})


def test_a_field_that_it_does_not_know_fails_the_cell(engines: Engines) -> None:
    with pytest.raises(CellFailure, match="422.*Unexpected fields.*guided_json"):
        post(engines, narrated(engines, guided_json={}))


def test_the_dispatcher_is_answered_by_all_models_at_once(engines: Engines, tmp_path: Path) -> None:
    frames = frames_messages(answers.prompt("describe_visual/v1.en"), jpegs(2, 90))
    heard = audio_messages(answers.prompt("transcribe/v1.en"), sound(2, 0.2))
    bodies = [asked(engines.vision, frames), asked(engines.audio, heard), narrated(engines), narrated(engines, "bye")]
    journal = Journal(tmp_path)
    replies = list(
        Dispatcher(Endpoint(engines.url, concurrency=4), journal).ask_all(
            Call(place, body) for place, body in enumerate(bodies)
        )
    )
    journal.close()
    texts = {reply.place: reply_text(reply.entry.body) for reply in replies if reply.entry}
    assert texts == {0: answers.SEEN, 1: answers.SAID, 2: answers.NARRATIVE, 3: answers.NARRATIVE}
