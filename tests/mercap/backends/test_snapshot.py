from __future__ import annotations

from pathlib import Path

import pytest

from mercap.backends.snapshot import find_model, first_line
from mercap.errors import UsageError


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_into_cache(cache: Path, model: str, commit: str, ref: str = "main") -> Path:
    repository = cache / f"models--{model.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / ref).write_text(commit)
    return snapshot


def test_a_folder_is_taken_as_given(tmp_path: Path) -> None:
    assert find_model("model", str(tmp_path)) == tmp_path


def test_a_name_is_looked_up_in_the_cache_without_the_network(cache: Path) -> None:
    snapshot = put_into_cache(cache, "somebody/tiny", "a" * 40)
    assert find_model("model", "somebody/tiny") == snapshot


def test_a_revision_is_a_snapshot_of_its_own(cache: Path) -> None:
    newest = put_into_cache(cache, "somebody/tiny", "a" * 40)
    older = put_into_cache(cache, "somebody/tiny", "b" * 40, ref="v1")
    assert find_model("model", "somebody/tiny", revision="v1") == older
    assert find_model("model", "somebody/tiny", revision="b" * 40) == older
    assert find_model("model", "somebody/tiny") == newest


@pytest.mark.parametrize("name", ["somebody/tiny", "tiny", "/nowhere/tiny", "a/b/c", "", "not a name"])
def test_a_model_that_is_nowhere_is_one_sentence_naming_it(name: str) -> None:
    with pytest.raises(UsageError, match="neither a folder nor in the local Hugging Face cache") as fault:
        find_model("model", name or "?")
    assert repr(name or "?") in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_model_that_cannot_be_fetched_says_why() -> None:
    with pytest.raises(UsageError, match="'somebody/tiny' is not a folder and cannot be fetched .*OFFLINE"):
        find_model("model", "somebody/tiny", download=True)


def test_a_closed_repository_is_answered_with_what_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    from huggingface_hub.errors import GatedRepoError

    def refuse(*_: object, **asked: object) -> str:
        assert asked["token"] == "hf_secret"
        response = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co/somebody/tiny"))
        raise GatedRepoError("Access is restricted.\nMore.", response=response)

    monkeypatch.setattr("mercap.backends.snapshot.snapshot_download", refuse)
    with pytest.raises(UsageError, match="Access is restricted; accept its conditions") as fault:
        find_model("model", "somebody/tiny", token="hf_secret", download=True)
    assert "hf_secret" not in str(fault.value)


def test_a_fault_without_words_is_named_by_its_type() -> None:
    assert first_line(KeyError()) == "KeyError"
    assert first_line(ValueError("no such thing.\nand more")) == "no such thing"
