"""What is made of what vLLM says, with a stand-in for the package. `test_vllm_engine` runs the package itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from mercap.backends.vllm import VllmEngine
from mercap.cues.replies import reply_text
from mercap.errors import CellFailure, EndpointError, UsageError

PLAIN: dict[str, Any] = {"temperature": 0.0, "max_tokens": 8, "seed": None, "schema": None}


class Refused(Exception):
    """Stands for VLLMClientError."""


class StandIn:
    """Says back what it is asked, in the order of asking. ``refuse`` and ``die`` are texts at which it does so."""

    started = 0

    def __init__(self, model: str, **settings: Any) -> None:
        type(self).started += 1
        self.model, self.settings = model, settings
        self.waiting: dict[str, str] = {}
        self.samplings: list[Any] = []
        self.llm_engine = SimpleNamespace(abort_request=self._abort)
        self.numbers = iter(range(1000))

    def enqueue_chat(self, conversation: list[dict[str, Any]], sampling: Any, *, use_tqdm: bool) -> list[str]:
        text = conversation[-1]["content"]
        if text == "refuse":
            raise Refused("it is too long\nby far")
        if text == "bug":
            raise KeyError("bug")
        number = str(next(self.numbers))
        self.waiting[number] = text
        self.samplings.append(sampling)
        return [number]

    def wait_for_completion(self, *, use_tqdm: bool) -> list[Any]:
        if "die" in self.waiting.values():
            raise RuntimeError("no memory")
        found = [_output(number, text) for number, text in self.waiting.items()]
        self.waiting.clear()
        return found

    def _abort(self, numbers: list[str], *, internal: bool) -> None:
        for number in numbers:
            del self.waiting[number]


def _output(number: str, text: str) -> Any:
    reason = text if text in ("length", "abort") else "stop"
    choice = SimpleNamespace(text=text, token_ids=text.split(), finish_reason=reason)
    return SimpleNamespace(request_id=number, prompt_token_ids=[1, 2, 3], outputs=[choice])


def _package(engine: type[StandIn] = StandIn) -> Any:
    """The modules of the stand-in, in the place of vllm's for a ``with`` block."""
    vllm, errors, params = ModuleType("vllm"), ModuleType("vllm.exceptions"), ModuleType("vllm.sampling_params")
    vllm.__dict__.update(LLM=engine, SamplingParams=SimpleNamespace)
    errors.__dict__.update(VLLMClientError=Refused)
    params.__dict__.update(StructuredOutputsParams=SimpleNamespace)
    return mock.patch.dict(sys.modules, {one.__name__: one for one in (vllm, errors, params)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "tiny"
    made.mkdir()
    (made / "config.json").write_text("{}")
    return made


def talk(*texts: str) -> list[list[dict[str, Any]]]:
    return [[{"role": "system", "content": "Answer."}, {"role": "user", "content": text}] for text in texts]


def test_an_answer_is_the_body_of_a_chat_completion(folder: Path) -> None:
    with _package():
        [body] = VllmEngine(str(folder)).chat(talk("calm and content"), **PLAIN)
    assert isinstance(body, dict)
    completion = ChatCompletion.model_validate(body, strict=True)
    assert completion.model == "tiny"
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (3, 3)
    assert reply_text(body) == "calm and content"


def test_an_answer_that_met_its_limit_is_read_as_cut_off(folder: Path) -> None:
    with _package():
        [body] = VllmEngine(str(folder)).chat(talk("length"), **PLAIN)
    assert isinstance(body, dict)
    with pytest.raises(CellFailure, match="cut off"):
        reply_text(body)


@given(texts=st.lists(st.sampled_from(["refuse", "abort", "length", "one", "two", "three"]), max_size=8))
def test_each_answer_or_failure_stands_in_the_place_of_its_conversation(folder: Path, texts: list[str]) -> None:
    with _package():
        found = VllmEngine(str(folder)).chat(talk(*texts), **PLAIN)
    said = [one.message if isinstance(one, CellFailure) else one["choices"][0]["message"]["content"] for one in found]
    failures = {"refuse": "vLLM refuses the question: it is too long", "abort": "vLLM ended the answer with 'abort'"}
    assert said == [failures.get(text, text) for text in texts]


def test_a_refusal_is_for_good_and_an_answer_that_was_given_up_is_not(folder: Path) -> None:
    with _package():
        refused, aborted = VllmEngine(str(folder)).chat(talk("refuse", "abort"), **PLAIN)
    assert isinstance(refused, CellFailure)
    assert isinstance(aborted, CellFailure)
    assert (refused.cause, refused.retryable) == ("backend", False)
    assert (aborted.cause, aborted.retryable) == ("backend", True)


def test_a_bug_leaves_no_question_behind_for_the_next_call(folder: Path) -> None:
    with _package():
        engine = VllmEngine(str(folder))
        with pytest.raises(KeyError):
            engine.chat(talk("old", "bug"), **PLAIN)
        [body] = engine.chat(talk("new"), **PLAIN)
    assert isinstance(body, dict)
    assert reply_text({"choices": body["choices"]}) == "new"


def test_an_engine_that_fails_ends_the_run_instead_of_failing_cells(folder: Path) -> None:
    with _package(), pytest.raises(EndpointError, match=r"has failed \(no memory\)"):
        VllmEngine(str(folder)).chat(talk("one", "die"), **PLAIN)


def test_the_engine_is_started_once_and_with_what_was_given(folder: Path) -> None:
    class Counted(StandIn):
        started = 0

    with _package(Counted):
        engine = VllmEngine(str(folder), dtype="float32", max_model_len=512, media_max={"image": 4})
        assert Counted.started == 0
        for _ in range(3):
            engine.chat(talk("one"), **PLAIN)
        settings = engine._llm.settings  # type: ignore[attr-defined]
    assert Counted.started == 1
    assert (settings["dtype"], settings["max_model_len"]) == ("float32", 512)
    assert settings["limit_mm_per_prompt"] == {"image": 4}


def test_temperature_tokens_seed_and_schema_reach_the_engine(folder: Path) -> None:
    with _package():
        engine = VllmEngine(str(folder))
        engine.chat(talk("one"), temperature=0.5, max_tokens=7, seed=3, schema={"type": "object"})
        [sampling] = engine._llm.samplings  # type: ignore[attr-defined]
    assert (sampling.temperature, sampling.max_tokens, sampling.seed) == (0.5, 7, 3)
    assert sampling.structured_outputs.json == {"type": "object"}


def test_reports_to_the_makers_are_off_before_the_package_is_imported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "to be restored")
    monkeypatch.delenv("VLLM_NO_USAGE_STATS")
    seen: list[str | None] = []

    def imported(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        seen.append(os.environ.get("VLLM_NO_USAGE_STATS"))
        return {"LLM": StandIn, "SamplingParams": SimpleNamespace}[name]

    with _package():
        del sys.modules["vllm"].LLM, sys.modules["vllm"].SamplingParams
        monkeypatch.setattr(sys.modules["vllm"], "__getattr__", imported, raising=False)
        VllmEngine(str(folder)).chat(talk("one"), **PLAIN)
    assert set(seen) == {"1"}


def test_an_engine_that_does_not_start_is_told_in_one_sentence(folder: Path) -> None:
    class Broken(StandIn):
        def __init__(self, model: str, **settings: Any) -> None:
            raise ValueError("No available memory for the cache blocks.\nMore.")

    with _package(Broken), pytest.raises(UsageError) as raised:
        VllmEngine(str(folder)).chat(talk("one"), **PLAIN)
    assert str(raised.value) == (
        f"The vLLM engine of {str(folder)!r} did not start: No available memory for the cache blocks; "
        "its own log above says more."
    )


def test_a_package_that_does_not_import_is_told_in_one_sentence(folder: Path) -> None:
    with mock.patch.dict(sys.modules, {"vllm": None}), pytest.raises(UsageError, match="cannot be imported"):
        VllmEngine(str(folder)).chat(talk("one"), **PLAIN)


def test_a_folder_that_is_no_model_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"lacks config\.json"):
        VllmEngine(str(tmp_path)).locate()


def test_a_name_that_is_not_in_the_cache_is_not_fetched_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="neither a folder nor in the local Hugging Face cache"):
        VllmEngine("nobody/nothing").locate()
