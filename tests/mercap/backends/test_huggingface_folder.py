from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mercap.backends.huggingface import HuggingFaceClassifier
from mercap.backends.huggingface_folder import Reads
from mercap.errors import UsageError

LABELS = {"0": "anger", "1": "joy"}
BUILT = {"words": "BertForSequenceClassification", "voice": "HubertForSequenceClassification"}


def write_model(folder: Path, reads: Reads = "words", **changes: Any) -> Path:
    """A folder that looks like a classifier, without weights worth the name."""
    config = {"architectures": [BUILT.get(reads, "ViTForImageClassification")], "id2label": LABELS, **changes}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / ("tokenizer.json" if reads == "words" else "preprocessor_config.json")).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def refusal(folder: Path, reads: Reads = "words") -> str:
    with pytest.raises(UsageError) as fault:
        HuggingFaceClassifier(str(folder), reads).locate()
    assert repr(str(folder)) in str(fault.value)
    assert "\n" not in str(fault.value)
    return str(fault.value)


@pytest.mark.parametrize("reads", ["words", "voice", "face"])
def test_a_complete_classifier_is_found(reads: Reads, tmp_path: Path) -> None:
    assert HuggingFaceClassifier(str(write_model(tmp_path, reads)), reads).locate() == tmp_path


def test_labels_stand_in_the_order_of_the_outputs_not_of_the_file(tmp_path: Path) -> None:
    named = {str(number): f"class {number}" for number in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)}
    classifier = HuggingFaceClassifier(str(write_model(tmp_path, id2label=named)), "words")
    assert classifier.labels == tuple(f"class {number}" for number in range(11))


@pytest.mark.parametrize(
    "named", [None, {}, {"0": "joy"}, {"0": "joy", "1": "joy"}, ["joy", "anger"], {"first": "joy", "second": "anger"}]
)
def test_classes_without_names_of_their_own_are_refused(named: Any, tmp_path: Path) -> None:
    assert "id2label" in refusal(write_model(tmp_path, id2label=named))


@pytest.mark.parametrize(("reads", "built"), [("words", "BertModel"), ("face", "BertForSequenceClassification")])
def test_a_model_that_classifies_something_else_is_refused(reads: Reads, built: str, tmp_path: Path) -> None:
    assert f"{built}, which does not classify {reads}" in refusal(
        write_model(tmp_path, reads, architectures=[built]), reads
    )


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_folder_names_what_it_lacks(lost: str, tmp_path: Path) -> None:
    (write_model(tmp_path) / lost).unlink()
    assert lost in refusal(tmp_path)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (write_model(tmp_path) / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    assert "pickle (pytorch_model.bin), which is not loaded" in refusal(tmp_path)


def test_every_shard_of_large_weights_must_be_there(tmp_path: Path) -> None:
    (write_model(tmp_path) / "model.safetensors").rename(tmp_path / "model-1.safetensors")
    shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(shards))
    assert "lacks model-2.safetensors" in refusal(tmp_path)
    (tmp_path / "model-2.safetensors").write_bytes(b"")
    assert HuggingFaceClassifier(str(tmp_path), "words").locate() == tmp_path


@pytest.mark.parametrize("text", ["", "{", "[]", '"words"'])
def test_a_damaged_config_is_refused(text: str, tmp_path: Path) -> None:
    (write_model(tmp_path) / "config.json").write_text(text)
    assert "config.json" in refusal(tmp_path)


def test_a_model_that_is_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="'somebody/emotions' is neither a folder nor in the local"):
        HuggingFaceClassifier("somebody/emotions", "words").locate()
