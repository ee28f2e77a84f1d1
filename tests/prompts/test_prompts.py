from __future__ import annotations

import json
from pathlib import Path

import pytest

from prompts import UnknownPrompt, load_prompt, prompt_names


def test_published_prompts_never_change() -> None:
    """A changed text is a new version: add a file and a line, never edit either."""
    published = json.loads((Path(__file__).parent / "digests.json").read_text())
    assert {name: load_prompt(name).digest for name in prompt_names()} == published


@pytest.mark.parametrize("name", ["merge/v9.en", "../recipes/embedded", "merge", ""])
def test_an_unknown_name_lists_what_there_is_and_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(UnknownPrompt, match=r"merge/v1\.en"):
        load_prompt(name)
