"""Golden answers: a stage whose output changes must raise its code version, or old cells would pass for new ones.

Each stage is given the golden answers of the stages it reads, so a change shows where it was made and nowhere else.
When the change is meant: raise the stage's version (``mercap/stages.py``), then
``MERCAP_RENEW_GOLDEN=1 python -m pytest tests/mercap/test_golden.py`` and look at the difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from filters.screen import measure as screen_measures
from filters.screen import screen
from filters.verdict import decide
from filters.voters import VOTERS
from mercap.backends import make_detector, make_transcriber
from mercap.cues import audio, visual
from mercap.cues.labels import extract
from mercap.cues.narrative import compose
from mercap.errors import NothingToDo
from mercap.identity import digest_file
from mercap.measures.clip import measure
from mercap.media.decode import decode
from mercap.media.derived import Derived
from mercap.media.subtitles import guess_language, parse_subtitle
from mercap.outcome import attempt
from mercap.recipe import load_recipe
from mercap.records import PAYLOADS, Record, Transcript, Vote
from mercap.roles import Pocketsphinx, Silero
from mercap.stages import EMBEDDED_VOTERS, VERSIONS
from tests.lab import ROOT

GOLDEN = ROOT / "tests" / "golden" / "stages.json"
CLIPS = ROOT / "examples" / "clips"
NAMES = ("smiling_bright", "sad_low", "angry_loud", "mixed_smile", "nobody", "silent_surprise", "truncated")
RECIPE = load_recipe("embedded")
TOLERANCE = 0.02  # of a number, relative: another processor's arithmetic
RENEW = os.environ.get("MERCAP_RENEW_GOLDEN") == "1"
KEYS = (*(stage for stage in VERSIONS if stage != "vote"), *(f"vote:{voter}" for voter in VOTERS))

Answers = dict[str, Any]  # clip name -> payload, {"cause": ...} where there is none


def version_of(key: str) -> list[int]:
    voter = key.partition(":")[2]
    return [VERSIONS["vote"], EMBEDDED_VOTERS[voter][1]] if voter else [VERSIONS[key]]


class Inputs:
    """The golden answers of one clip, as records."""

    def __init__(self, golden: dict[str, Answers], name: str, derived: Path) -> None:
        self.name = name
        self._golden = golden
        self._derived = derived / name

    def __call__(self, stage: str) -> Any:
        answer = self._golden[stage][self.name]
        kind: type[Record] = PAYLOADS[stage.partition(":")[0]]
        return None if "cause" in answer else kind.model_validate(answer)

    @property
    def media(self) -> Derived:
        return Derived(self._derived)

    @property
    def votes(self) -> list[Vote]:
        return [vote for voter in VOTERS if (vote := self(f"vote:{voter}")) is not None]


def transcribe(inputs: Inputs) -> Record:
    subtitle = CLIPS / f"{inputs.name}.srt"
    if subtitle.exists():
        segments = parse_subtitle(subtitle.read_text(encoding="utf-8"), inputs.name, inputs("ingest").duration_s)
        text = " ".join(segment.text for segment in segments)
        return Transcript(segments=segments, language=guess_language(text), origin="supplied")
    sound = inputs.media.audio()
    if sound is None:
        raise NothingToDo("no_audio")
    return make_transcriber(Pocketsphinx()).transcribe(sound, 16_000, list(inputs("diarize").speech))


def diarize(inputs: Inputs) -> Record:
    sound = inputs.media.audio()
    if sound is None:
        raise NothingToDo("no_audio")
    return make_detector(Silero()).diarize(sound, 16_000)


def label(inputs: Inputs) -> Record:
    if inputs("merge") is None:
        raise NothingToDo("no_evidence")
    return extract(inputs("merge"))


def screened(inputs: Inputs) -> Record:
    values = screen_measures(
        container=inputs("ingest"), transcript=inputs("transcribe"), diarization=inputs("diarize"),
        measures=inputs("measure"), visual=inputs("describe_visual"), audio=inputs("describe_audio"),
        narrative=inputs("merge"),
    )  # fmt: skip
    return screen(values, RECIPE.screen.rules)


COMPUTE: dict[str, Callable[[Inputs], Record]] = {
    "diarize": diarize,
    "transcribe": transcribe,
    "measure": lambda i: measure(i.media.frames(), i.media.audio(), 16_000, i("diarize")),
    "describe_visual": lambda i: visual.describe(i("measure")),
    "describe_audio": lambda i: audio.describe(i("measure")),
    "merge": lambda i: compose(i("transcribe"), i("describe_visual"), i("describe_audio")),
    "label": label,
    "screen": screened,
    "vote:words": lambda i: VOTERS["words"].vote(i("transcribe")),
    "vote:voice": lambda i: VOTERS["voice"].vote(i("measure")),
    "vote:face": lambda i: VOTERS["face"].vote(i("measure")),
    "verdict": lambda i: decide(i("label"), i.votes, i("screen"), RECIPE.verdict),
}


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("derived")


@pytest.fixture(scope="module")
def golden() -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    yield found
    if RENEW:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def answer(compute: Callable[[], Record]) -> Any:
    outcome = attempt(compute)
    assert outcome.cause != "internal_error", outcome.raw
    return json.loads(outcome.payload) if outcome.payload else {"cause": outcome.cause}


@pytest.mark.parametrize("key", ["ingest", *COMPUTE])
def test_a_stage_answers_as_its_version_did(key: str, golden: dict[str, Any], derived: Path) -> None:
    answers = dict(_answers(key, golden, derived))
    if RENEW:
        golden[key] = {"version": version_of(key), "clips": digest_of_clips(), "answers": answers}
    held = golden[key]
    assert held["clips"] == digest_of_clips(), "the example clips changed: renew the golden answers"
    assert held["version"] == version_of(key), "the version was raised: renew the golden answers"
    for name, expected in held["answers"].items():
        assert close(answers[name], expected), f"{key} answers differently for {name}: raise its version"


def _answers(key: str, golden: dict[str, Any], derived: Path) -> Iterator[tuple[str, Any]]:
    held = {stage: one["answers"] for stage, one in golden.items()}
    for name in NAMES:
        if key == "ingest":
            yield (
                name,
                answer(lambda name=name: decode(CLIPS / f"{name}.mp4", RECIPE.media, RECIPE.limits, derived / name)),
            )
        elif "cause" in held["ingest"][name]:
            continue
        else:
            yield name, answer(lambda name=name: COMPUTE[key](Inputs(held, name, derived)))


def digest_of_clips() -> str:
    return "".join(digest_file(CLIPS / f"{name}.mp4")[:8] for name in NAMES)


def close(found: Any, expected: Any) -> bool:
    """Equal, but for the last digits of numbers, also of those inside a sentence."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(close(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(expected, (int, float)) and not isinstance(expected, bool) and found is not None:
        return bool(found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE))
    if isinstance(expected, str) and isinstance(found, str):
        number = re.compile(r"-?\d+(?:\.\d+)?")
        numbers = zip(number.findall(found), number.findall(expected), strict=False)
        return number.sub("#", found) == number.sub("#", expected) and all(
            close(float(a), float(b)) for a, b in numbers
        )
    return bool(found == expected)


def test_every_stage_has_golden_answers() -> None:
    assert {"ingest", *COMPUTE} == set(KEYS)


def test_a_failure_is_golden_too(golden: dict[str, Any]) -> None:
    assert golden["ingest"]["answers"]["truncated"] == {"cause": "decode"}


def test_the_comparison_sees_what_it_should() -> None:
    assert close({"a": [1.0, "raised in 7 of 12 frames"]}, {"a": [1.001, "raised in 7 of 12 frames"]})
    assert not close({"a": 1.0}, {"a": 1.1})
    assert not close("raised in 7 of 12 frames", "raised in 9 of 12 frames")
    assert not close("raised", "lowered")
    assert not close({"kept": True}, {"kept": False})
