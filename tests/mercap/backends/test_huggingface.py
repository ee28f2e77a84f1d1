"""The classifier on real models of transformers, tiny and trained for a second each."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mercap.backends.huggingface import HuggingFaceClassifier
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import UsageError

torch = pytest.importorskip("torch")
if sys.modules.get("torch") is not None:
    repair_torchaudio()
transformers = pytest.importorskip("transformers")
tiny = pytest.importorskip("tests.tiny_classifiers")

pytestmark = pytest.mark.engine

Build = Callable[[str], Path]
ANGRY, GLAD = "so i hate you this awful day", "what a lovely sunny day"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model by its name; each is built once."""
    folder = tmp_path_factory.mktemp("classifiers")
    builders: dict[str, Callable[[Path], Path]] = {
        "bert": tiny.build_tiny_text,
        "roberta": lambda place: tiny.build_tiny_text(place, kind="roberta"),
        "several": lambda place: tiny.build_tiny_text(place, multi_label=True),
        "wav2vec2": tiny.build_tiny_voice,
        "hubert": lambda place: tiny.build_tiny_voice(place, kind="hubert"),
        "vit": tiny.build_tiny_face,
    }

    def build(name: str) -> Path:
        return folder / name if (folder / name).is_dir() else builders[name](folder / name)

    return build


def best(shares: dict[str, float]) -> str:
    assert math.fsum(shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(0.0 <= share <= 1.0 for share in shares.values())
    return max(shares, key=lambda label: shares[label])


@pytest.mark.parametrize("name", ["bert", "roberta", "several"])
def test_words_are_told_apart(name: str, built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built(name)), "words")
    assert classifier.labels == ("anger", "joy")
    assert best(classifier.of_words(ANGRY)) == "anger"
    assert best(classifier.of_words(GLAD)) == "joy"


@pytest.mark.parametrize("name", ["wav2vec2", "hubert"])
def test_voices_are_told_apart_at_any_sample_rate(name: str, built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built(name)), "voice")
    for rate in (8_000, 16_000, 44_100):
        assert best(classifier.of_voice(tiny.tone(210.0, rate=rate), rate)) == "anger"
        assert best(classifier.of_voice(tiny.tone(1900.0, rate=rate), rate)) == "joy"


def test_a_low_voice_at_a_wrong_rate_would_be_a_high_one(built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built("wav2vec2")), "voice")
    assert best(classifier.of_voice(tiny.tone(1900.0, rate=96_000), 16_000)) == "anger"
    assert best(classifier.of_voice(tiny.tone(1900.0, rate=96_000), 96_000)) == "joy"


def test_pictures_are_read_as_blue_green_red(built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built("vit")), "face")
    assert best(classifier.of_face([tiny.picture(red=220, green=10, blue=30)])) == "anger"
    assert best(classifier.of_face([tiny.picture(red=30, green=10, blue=220)])) == "joy"


def test_several_pictures_of_any_size_answer_with_their_mean(built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built("vit")), "face")
    pictures = [tiny.picture(220, 10, 30), tiny.picture(30, 10, 220, height=90, width=20), tiny.picture(90, 80, 90)] * 7
    alone = [classifier.of_face([picture])["joy"] for picture in pictures]
    assert classifier.of_face(pictures)["joy"] == pytest.approx(sum(alone) / len(alone), abs=1e-6)


def test_transformers_own_pipelines_give_the_same_probabilities(built: Build) -> None:
    from PIL import Image

    def own(task: str, name: str, given: Any) -> dict[str, float]:
        pipeline = transformers.pipeline(task, model=str(built(name)), top_k=None, **made[task])
        answers = pipeline(given)
        return {answer["label"]: answer["score"] for answer in (answers[0] if task[0] == "t" else answers)}

    made: dict[str, dict[str, Any]] = {
        "text-classification": {},
        "audio-classification": {},
        "image-classification": {"image_processor": transformers.ViTImageProcessorPil.from_pretrained(built("vit"))},
    }
    doubtful = "i lovely hate"
    frame = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    sound = tiny.tone(700.0)
    words = HuggingFaceClassifier(str(built("bert")), "words").of_words(doubtful)
    voice = HuggingFaceClassifier(str(built("wav2vec2")), "voice").of_voice(sound, 16_000)
    face = HuggingFaceClassifier(str(built("vit")), "face").of_face([frame])
    heard = {"raw": sound.astype(np.float32) / 32768, "sampling_rate": 16_000}
    assert words == pytest.approx(own("text-classification", "bert", doubtful), abs=1e-5)
    assert voice == pytest.approx(own("audio-classification", "wav2vec2", heard), abs=1e-5)
    assert face == pytest.approx(
        own("image-classification", "vit", Image.fromarray(frame[:, :, ::-1].copy())), abs=1e-5
    )


def test_several_classes_at_once_are_sigmoids_over_their_sum(built: Build) -> None:
    folder = built("several")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)("lovely hate", return_tensors="pt")
    with torch.no_grad():
        chances = torch.sigmoid(model(**tokens).logits[0].double())
    found = HuggingFaceClassifier(str(folder), "words").of_words("lovely hate")
    assert list(found.values()) == pytest.approx((chances / chances.sum()).tolist(), abs=1e-6)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_text_that_is_too_long_is_read_from_its_beginning(name: str, built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built(name)), "words")
    assert best(classifier.of_words("lovely " * 200 + "hate " * 1000)) == "joy"
    assert best(classifier.of_words("hate " * 200 + "lovely " * 1000)) == "anger"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200))
def test_any_text_has_probabilities(text: str, built: Build) -> None:
    best(_kept(str(built("roberta"))).of_words(text))


_KEPT: dict[str, HuggingFaceClassifier] = {}


def _kept(folder: str) -> HuggingFaceClassifier:
    return _KEPT.setdefault(folder, HuggingFaceClassifier(folder, "words"))


@pytest.mark.parametrize("samples", [1, 100, 1_599, 1_601])
def test_the_shortest_sound_has_probabilities(samples: int, built: Build) -> None:
    best(HuggingFaceClassifier(str(built("wav2vec2")), "voice").of_voice(tiny.tone(300.0)[:samples], 16_000))


def test_an_answer_does_not_depend_on_what_was_read_before(built: Build) -> None:
    classifier = HuggingFaceClassifier(str(built("bert")), "words")
    first = classifier.of_words(GLAD)
    classifier.of_words(ANGRY)
    assert classifier.of_words(GLAD) == first
    assert HuggingFaceClassifier(str(built("bert")), "words").of_words(GLAD) == first


def test_nothing_to_hear_or_see_is_a_wrong_call(built: Build) -> None:
    with pytest.raises(ValueError, match="no audio"):
        HuggingFaceClassifier(str(built("wav2vec2")), "voice").of_voice(np.zeros(0, np.int16), 16_000)
    with pytest.raises(ValueError, match="no pictures"):
        HuggingFaceClassifier(str(built("vit")), "face").of_face([])


def test_a_head_that_was_never_saved_is_refused_instead_of_drawn_at_random(built: Build, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(built("bert"), tmp_path / "headless")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match="has no weights for classifier.bias"):
        HuggingFaceClassifier(str(folder), "words").of_words(GLAD)


def test_code_that_comes_with_a_model_is_not_run(built: Build, tmp_path: Path) -> None:
    folder = shutil.copytree(built("bert"), tmp_path / "strange")
    ran = tmp_path / "ran"
    (folder / "strange.py").write_text(f"from pathlib import Path\nPath({str(ran)!r}).touch()\nclass Strange: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "strange",
        "auto_map": {
            "AutoConfig": "strange.Strange",
            "AutoModelForSequenceClassification": "strange.Strange",
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="cannot be loaded on cpu"):
        HuggingFaceClassifier(str(folder), "words").of_words(GLAD)
    assert not ran.exists()


def test_a_damaged_file_is_a_usage_error(built: Build, tmp_path: Path) -> None:
    folder = shutil.copytree(built("bert"), tmp_path / "damaged")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UsageError, match="cannot be loaded on cpu") as fault:
        HuggingFaceClassifier(str(folder), "words").of_words(GLAD)
    assert "\n" not in str(fault.value)


def test_a_process_without_network_loads_and_answers(built: Build) -> None:
    """As a worker does it; and transformers, unasked, imports a torchaudio that may not fit."""
    program = f"""
from mercap.workers.network import cut_network
cut_network()
from mercap.backends.huggingface import HuggingFaceClassifier
print(HuggingFaceClassifier({str(built("bert"))!r}, "words").of_words({ANGRY!r})["anger"] > 0.5)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert run.stdout == "True\n"
