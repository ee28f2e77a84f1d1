from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from mercap.unibench.leaderboard import leaderboard
from mercap.unibench.markdown import escaped, markdown
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite


def test_every_table_row_has_as_many_cells_as_its_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    suite = make_suite(tmp_path, "a|b", "theirs", rules=Rules(resamples=20))
    lines = markdown(suite, leaderboard(suite)).splitlines()
    tables = [
        list(block) for is_table, block in itertools.groupby(lines, lambda line: line.startswith("|")) if is_table
    ]
    assert len(tables) == 1 + 1 + 3 * 3
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", "a\\|b"),
        ("<b>&", "&lt;b&gt;\\&"),
        ("[x](javascript:y)", "\\[x\\](javascript:y)"),
        ("two\n# lines", "two \\# lines"),
        ("plain text, 1", "plain text, 1"),
    ],
)
def test_untrusted_text_means_only_itself(text: str, expected: str) -> None:
    assert escaped(text) == expected
