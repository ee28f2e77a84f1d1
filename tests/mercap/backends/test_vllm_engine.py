"""vLLM itself on a tiny model of random weights, on a CPU or a GPU; docs/vllm.md tells how to run these."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from mercap.backends.vllm import VllmEngine
from mercap.cues.questions import SCHEMAS
from mercap.cues.replies import read_vote, reply_text
from mercap.errors import CellFailure, UsageError
from mercap.records import Sentiment

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("default")]  # the package warns of its own packages

PLAIN: dict[str, Any] = {"temperature": 0.0, "max_tokens": 12, "seed": None, "schema": None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("vllm", exc_type=ImportError)
    from tests.tiny_chat import build_tiny_chat

    return build_tiny_chat(tmp_path_factory.mktemp("chat") / "tiny")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[VllmEngine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield VllmEngine(str(folder), dtype="float32", gpu_memory_utilization=0.3)


def talk(text: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "Say what you see."}, {"role": "user", "content": text}]


def said(body: dict[str, Any] | CellFailure) -> str:
    assert isinstance(body, dict)
    return str(body["choices"][0]["message"]["content"])


def test_answers_are_chat_completions_with_the_tokens_counted(engine: VllmEngine) -> None:
    from tests.tiny_chat import prompt_tokens

    [body] = engine.chat([talk("first")], **PLAIN)
    completion = ChatCompletion.model_validate(body)
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == prompt_tokens("Say what you see.", "first")
    assert 1 <= completion.usage.completion_tokens <= 12


def test_a_batch_is_answered_in_its_order(engine: VllmEngine) -> None:
    texts = [f"{'word ' * (number % 7)}{number}" for number in range(40)]
    together = [said(body) for body in engine.chat([talk(text) for text in texts], **PLAIN)]
    alone = [said(engine.chat([talk(text)], **PLAIN)[0]) for text in texts]
    assert len(set(alone)) > 30
    assert together == alone


def test_an_answer_that_met_its_limit_says_so(engine: VllmEngine) -> None:
    bodies = engine.chat([talk(str(number)) for number in range(10)], **{**PLAIN, "max_tokens": 2})
    reasons = {body["usage"]["completion_tokens"]: body["choices"][0]["finish_reason"] for body in bodies}
    assert reasons[2] == "length"


def test_the_same_seed_draws_the_same_answer_and_another_seed_another(engine: VllmEngine) -> None:
    drawn = [
        said(engine.chat([talk("draw")], temperature=1.0, max_tokens=40, seed=seed, schema=None)[0])
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_a_schema_is_obeyed_to_the_letter_and_without_blanks(engine: VllmEngine) -> None:
    points = {"type": "integer", "minimum": 1, "maximum": 100}
    names = [str(one) for one in Sentiment]
    shared = dict.fromkeys(names, points)
    schema = {"type": "object", "additionalProperties": False, "required": names, "properties": shared}
    asked = [talk(str(number)) for number in range(8)]
    bodies = engine.chat(asked, temperature=1.0, max_tokens=80, seed=1, schema=schema)
    texts = [reply_text(body) for body in bodies if isinstance(body, dict)]
    assert len(texts) == 8
    assert all(not set(text) & set(" \n\t") for text in texts)
    assert {read_vote(text, "sentiment/v1", "model").voter for text in texts} == {"model"}


@pytest.mark.parametrize("question", sorted(SCHEMAS))
def test_every_schema_that_is_asked_with_is_one_the_engine_takes(engine: VllmEngine, question: str) -> None:
    [body] = engine.chat([talk("a")], **{**PLAIN, "schema": SCHEMAS[question]})
    assert said(body).startswith("{")


def test_a_conversation_longer_than_the_window_fails_alone(engine: VllmEngine) -> None:
    from tests.tiny_chat import WINDOW

    before, long, after = engine.chat([talk("before"), talk("x" * WINDOW), talk("after")], **PLAIN)
    assert isinstance(long, CellFailure)
    assert (long.cause, long.retryable) == ("backend", False)
    assert "maximum context length" in long.message
    assert [said(before), said(after)] == [said(one) for one in engine.chat([talk("before"), talk("after")], **PLAIN)]


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_what_a_text_model_cannot_see_or_hear_fails_alone(engine: VllmEngine, kind: str) -> None:
    part = {"image": _picture, "audio": _sound}[kind]()
    refused, plain = engine.chat([talk([{"type": "text", "text": "a"}, part]), talk("b")], **PLAIN)
    assert isinstance(refused, CellFailure)
    assert isinstance(plain, dict)


def test_one_engine_answers_all_calls(engine: VllmEngine) -> None:
    engine.chat([talk("a")], **PLAIN)
    first = engine._llm
    engine.chat([talk("a")], **PLAIN)
    assert engine._llm is first


def test_an_engine_that_cannot_start_is_a_fault_of_use(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": ["NoSuchModel"]}))
    with pytest.raises(UsageError, match="did not start: .*NoSuchModel"):
        VllmEngine(str(tmp_path)).chat([talk("a")], **PLAIN)


def _picture() -> dict[str, Any]:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _sound() -> dict[str, Any]:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(32_000))
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(file.getvalue()).decode(), "format": "wav"}}
