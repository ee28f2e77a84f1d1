"""The example clips through a recipe whose every model role is a real engine: tiny models, real loading and serving."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyannote")

from mercap.errors import CAUSES
from mercap.records import PAYLOADS
from storage.store import Store
from storage.usage import spend
from storage.verify import verify
from tests.engines import answers
from tests.engines.conftest import Engines
from tests.lab import ROOT, Lab
from tests.tiny_classifiers import build_tiny_face, build_tiny_text, build_tiny_voice
from tests.tiny_pyannote import build_tiny_pipeline
from tests.tiny_whisper import build_tiny_whisper

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(900),
    # Lightning's, when the builder saves a model; torchcodec's, when the builder imports pyannote's classes.
    pytest.mark.filterwarnings(r"ignore:\s*torchcodec is not installed correctly"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:lightning"),
]

CLIPS = ROOT / "examples" / "clips"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models that the workers load themselves."""
    root = tmp_path_factory.mktemp("local")
    return {
        "whisper": build_tiny_whisper(root / "whisper"),
        "pyannote": build_tiny_pipeline(root / "pyannote"),
        "words": build_tiny_text(root / "words"),
        "voice": build_tiny_voice(root / "voice"),
        "face": build_tiny_face(root / "face"),
    }


def recipe(engines: Engines, local: dict[str, Path]) -> str:
    asked = f'backend = "openai"\nbase_url = "{engines.url}"\ntimeout_s = 120.0\nconcurrency = 2\njson_schema = false\n'
    roles = {
        "diarize": f'backend = "pyannote"\nmodel = "{local["pyannote"]}"\n',
        "transcribe": f'backend = "faster_whisper"\nmodel = "{local["whisper"]}"\n',
        "describe_visual": f'{asked}model = "{engines.vision}"\nprompt = "describe_visual/v1.en"\n'
        'pictures = { frames = 3, crop = "face", height_max = 96 }\n',
        "describe_audio": f'{asked}model = "{engines.audio}"\nprompt = "describe_audio/v1.en"\n',
        "merge": f'{asked}model = "{engines.text}"\nprompt = "merge/v2.en"\n',
        "label": f'{asked}model = "{engines.text}"\nprompt = "label/v1.en"\n',
    }
    classes = '{ joy = "happy", anger = "angry" }'
    voters = "".join(
        f'\n[[vote]]\nname = "{reads}"\nbackend = "huggingface"\nreads = "{reads}"\nmodel = "{local[reads]}"\n'
        f"classes = {classes}\n"
        for reads in ("words", "voice", "face")
    )
    return 'name = "engines"\n' + "".join(f"\n[{role}]\n{body}" for role, body in roles.items()) + voters


@pytest.fixture(scope="module")
def annotated(
    engines: Engines, local: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lab, dict[str, Any]]:
    lab = Lab(tmp_path_factory.mktemp("run"))
    lab.recipe.write_text(recipe(engines, local))
    command = lab.command("--max-quarantine", "50%", source=CLIPS)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return lab, json.loads(done.stdout)


def test_clips_reach_their_verdict_and_the_ledger_balances(annotated: tuple[Lab, dict[str, Any]]) -> None:
    lab, report = annotated
    verdicts = [row for row in lab.rows() if row["stage"] == "verdict" and row["status"] == "ok"]
    assert len(verdicts) >= 6
    assert report["captions"] >= 6
    assert all(row["balances"] for row in report["ledger"])
    assert [finding for finding in verify(Store.open(lab.store)) if finding.level == "error"] == []


def test_every_row_is_a_record_or_typed(annotated: tuple[Lab, dict[str, Any]]) -> None:
    for row in annotated[0].rows():
        if row["status"] == "ok":
            PAYLOADS[row["stage"]].model_validate_json(row["payload"])
        else:
            assert row["cause"] in CAUSES
            assert row["cause"] != "internal_error", row["raw"]


def test_each_role_was_answered_by_its_engine(annotated: tuple[Lab, dict[str, Any]]) -> None:
    lab, _ = annotated
    payloads: dict[str, list[dict[str, Any]]] = {}
    for row in lab.rows():
        if row["payload"]:
            payloads.setdefault(row["stage"], []).append(json.loads(row["payload"]))
    assert {one["text"] for one in payloads["describe_visual"]} == {answers.SEEN}
    assert {one["text"] for one in payloads["describe_audio"]} == {answers.HEARD}
    assert {one["text"] for one in payloads["merge"]} == {answers.NARRATIVE}
    assert {label["text"] for one in payloads["label"] for label in one["labels"]} == {"weary", "sad", "tired"}
    assert any(turn["speaker"] for one in payloads["diarize"] for turn in one["turns"]), "pyannote names speakers"
    assert {one["voter"] for one in payloads["vote"]} == {"words", "voice", "face"}
    assert all(set(one["emotions"]) == set(payloads["vote"][0]["emotions"]) for one in payloads["vote"])


def test_what_the_servers_counted_is_in_the_store(annotated: tuple[Lab, dict[str, Any]]) -> None:
    found = Counter({row["stage"]: row["completion_tokens"] for row in spend(Store.open(annotated[0].store))})
    assert set(found) == {"describe_visual", "describe_audio", "merge", "label"}
    assert min(found.values()) > 0


def test_the_same_command_again_asks_nothing(annotated: tuple[Lab, dict[str, Any]]) -> None:
    lab, _ = annotated
    command = lab.command("--max-quarantine", "50%", source=CLIPS)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["computed_cells"] == 0
