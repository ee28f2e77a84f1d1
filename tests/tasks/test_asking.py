"""What is sent to a model, and what it is taken to cost."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import completion_create_params
from pydantic import TypeAdapter, ValidationError

from mercap.cues.questions import SCHEMAS
from mercap.dispatch.journal import Entry
from mercap.roles import Chat
from tasks.asking import request_body, tokens_in, usage_of
from tests.endpoint import completion

MESSAGES = [{"role": "system", "content": "Say."}, {"role": "user", "content": "x" * 35}]


def chat(**changes: Any) -> Chat:
    return Chat(**{"backend": "openai", "base_url": "http://e/v1", "model": "m", "prompt": "merge/v2.en", **changes})


def test_a_request_holds_what_can_change_the_answer_and_nothing_else() -> None:
    body = request_body(chat(json_schema=False), MESSAGES)
    assert body == {"model": "m", "messages": MESSAGES, "temperature": 0.0, "max_tokens": 512}


def test_a_model_is_held_to_the_schema_of_its_question_and_version() -> None:
    form = request_body(chat(), MESSAGES)["response_format"]["json_schema"]
    assert form == {"name": "merge", "strict": True, "schema": SCHEMAS["merge/v2"]}
    assert "response_format" not in request_body(chat(prompt="merge/v1.en"), MESSAGES)


def test_models_that_refuse_a_temperature_or_name_their_limit_otherwise_can_be_asked() -> None:
    options = chat(temperature="default", limit_name="max_completion_tokens", json_schema=False, seed=7,
                   extra_body={"chat_template_kwargs": {"enable_thinking": False}})  # fmt: skip
    assert request_body(options, MESSAGES) == {
        "model": "m", "messages": MESSAGES, "max_completion_tokens": 512, "seed": 7,
        "chat_template_kwargs": {"enable_thinking": False},
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"temperature": 3.0}, {"temperature": "hot"}, {"extra_body": {"messages": []}}, {"limit_name": "tokens"}]
)
def test_what_cannot_be_sent_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        chat(**wrong)


def test_requests_follow_the_published_schema() -> None:
    schema = TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming)
    for body in (request_body(chat(), MESSAGES), request_body(chat(prompt="emotion/v1.en"), MESSAGES)):
        schema.validate_python(body)


def test_tokens_are_guessed_from_letters_pictures_and_seconds() -> None:
    assert tokens_in(MESSAGES) == pytest.approx(39 / 3.5)
    assert tokens_in([{"role": "user", "content": "高兴"}]) == 2
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    assert tokens_in([{"role": "user", "content": [picture, picture]}], audio_s=2) == 2 * 600 + 50


def test_cached_tokens_have_their_own_price() -> None:
    options = chat(price_per_mtok_in=2.0, price_per_mtok_cached=0.5, price_per_mtok_out=8.0)
    body = completion("one two", tokens_in=1000)
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 600}
    usage = usage_of(options, Entry("k", body, 0.1, 1), 0.0)
    assert usage.price == pytest.approx((400 * 2 + 600 * 0.5 + 2 * 8) / 1e6)


def test_an_endpoint_that_counts_nothing_costs_nothing_that_is_known() -> None:
    body = completion("one two")
    del body["usage"]
    usage = usage_of(chat(), Entry("k", body, 0.1, 1), 1.5)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.price, usage.audio_s) == (0, 0, None, 1.5)
