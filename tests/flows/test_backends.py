"""One contract over all back-ends that answer in words, whoever they are: what a recipe names fills its roles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from mercap.backends import BACKENDS, engines
from mercap.errors import CellFailure
from mercap.records import PAYLOADS
from tasks.answering import WAYS
from tasks.transcribe import RECOGNISERS
from tasks.vote import CLASSIFIERS
from tests.endpoint import Endpoint, completion, text_of
from tests.flows.asking import ALL_ROLES, POINTS, reply, run, use
from tests.lab import Lab

CLIPS = 3


class Engine:
    """What `VllmEngine` promises, answered by a function: whole batches, a failure in place of a body."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.too_long = ""

    def chat(self, conversations: Sequence[list[dict[str, Any]]], **_: Any) -> list[dict[str, Any] | CellFailure]:
        self.batches.append(len(conversations))
        texts = [text_of({"messages": messages}) for messages in conversations]
        return [
            CellFailure("backend", "too long") if self.too_long and self.too_long in text else completion(answer(text))
            for text in texts
        ]


def answer(text: str) -> str:
    if text.startswith("<<words") and "<<seen" not in text:
        return json.dumps(POINTS)
    return reply(text)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(engines, "make_engine", lambda _options: made)
    monkeypatch.setattr("mercap.backends._require", lambda _name: None)
    monkeypatch.setitem(__import__("mercap.backends", fromlist=["_CHECKS"])._CHECKS, "vllm", lambda _options: None)
    return made


def vllm_recipe(lab: Lab, **options: Any) -> None:
    with Endpoint() as unused:
        use(lab, unused, ALL_ROLES)
    lines = lab.recipe.read_text().splitlines()
    dropped = ("base_url", "timeout_s", "concurrency")
    text = "\n".join(line for line in lines if not line.startswith(dropped)).replace('"openai"', '"vllm"')
    more = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
    lab.recipe.write_text(text.replace('backend = "vllm"\n', f'backend = "vllm"\n{more}') + "\n")


@pytest.fixture(params=["embedded", "scripted", "openai", "vllm"])
def recipe(request: pytest.FixtureRequest, lab: Lab, engine: Engine) -> Iterator[str]:
    """Every role given to one kind of back-end; the recipe stands in the lab."""
    lab.fill(CLIPS)
    if request.param == "embedded":
        text = lab.recipe.read_text().replace('"scripted"\nlog', '"embedded"\n#').replace("delay_s", "# delay_s")
        lab.recipe.write_text(
            text.replace('[transcribe]\nbackend = "embedded"', '[transcribe]\nbackend = "pocketsphinx"')
        )
        yield request.param
    elif request.param == "openai":
        with Endpoint(reply=answer) as server:
            use(lab, server, ALL_ROLES)
            yield request.param
    else:
        if request.param == "vllm":
            vllm_recipe(lab)
        yield request.param


def test_every_cell_is_answered_once_typed_and_never_again(lab: Lab, recipe: str) -> None:
    report = run(lab)
    rows = [row for row in lab.rows() if row["stage"] in ALL_ROLES]
    assert len(rows) == len({row["cell_id"] for row in rows}) == len(ALL_ROLES) * CLIPS
    assert report.quarantined == 0
    for row in rows:
        if row["status"] == "ok":
            PAYLOADS[row["stage"]].model_validate_json(row["payload"])
        else:
            assert (row["status"], bool(row["cause"])) == ("absent", True)
    models = [row for row in rows if recipe in ("openai", "vllm") and row["status"] == "ok"]
    assert all(row["raw"] and json.loads(row["usage"])["completion_tokens"] > 0 for row in models)
    assert sum(run(lab).computed.values()) == 0


def test_an_engine_is_asked_in_batches_and_one_that_fails_fails_alone(lab: Lab, engine: Engine) -> None:
    lab.fill(CLIPS)
    vllm_recipe(lab, batch=2)
    engine.too_long = "<<text"
    report = run(lab)
    assert set(engine.batches) == {1, 2}
    assert report.exit_code == 3
    causes = {(row["stage"], row["cause"]) for row in lab.rows() if row["status"] == "quarantined"}
    assert causes == {("label", "backend")}


def test_a_model_may_vote_on_both_questions_or_on_sentiment_alone(lab: Lab) -> None:
    lab.fill(CLIPS)

    def judge(text: str) -> str:
        return json.dumps({"positive": 3, "negative": 1, "neutral": 0} if text.startswith("A rec") else POINTS)

    with Endpoint(reply=judge) as server:
        for name, reads, prompt in (("judge", "words", "emotion/v1.en"), ("tone", "voice", "sentiment/v1.en"),
                                    ("eye", "face", "emotion/v1.en")):  # fmt: skip
            values = {"name": name, "backend": "openai", "reads": reads, "prompt": prompt, "base_url": server.url,
                      "model": "m"}  # fmt: skip
            body = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
            lab.recipe.write_text(f"{lab.recipe.read_text()}\n[[vote]]\n{body}")
        assert run(lab).quarantined == 0
        assert server.invalid == []
    votes = {
        row["voter"]: json.loads(row["payload"]) for row in lab.rows() if row["stage"] == "vote" and row["payload"]
    }
    assert votes["tone"]["emotions"] == {}
    assert votes["tone"]["sentiments"]["positive"] == 0.75
    assert votes["judge"]["emotions"]["happy"] == votes["eye"]["emotions"]["happy"] == 0.9
    verdicts = [json.loads(row["payload"]) for row in lab.rows() if row["stage"] == "verdict"]
    assert {verdict["emotion"] for verdict in verdicts} == {"happy"}


def test_every_backend_that_the_table_names_has_its_way_in() -> None:
    """`supplied` and `silero` take no question; the detectors are asked by `diarize` alone."""
    ways = {*WAYS, *RECOGNISERS, *CLASSIFIERS}
    assert {row.name for row in BACKENDS} == ways | {"supplied", "silero", "pyannote"}
