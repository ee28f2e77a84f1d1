from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mercap.errors import UsageError
from mercap.unibench.protocols import Protocol
from mercap.unibench.report import write_report
from mercap.unibench.sample_log import rescore
from mercap.unibench.suite import Suite, score_folder
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite, write_answers

HOSTILE = "<script>alert('x')</script> & \"|*_$"
RULES = Rules(resamples=50)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def remade(folder: Path) -> Suite:
    """The tiny suite after its files were changed."""
    return score_folder(folder / "gold", {"system": folder / "system0"}, folder / "tables", RULES)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the addresses that it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action") or name.startswith("on"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_all_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    files = write_report(tmp_path / "out", make_suite(tmp_path, rules=RULES))
    names = [str(path.relative_to(tmp_path / "out")) for path in files]
    assert names[:4] == ["leaderboard.md", "report.html", "unibench_results.json", "samples.jsonl"]
    assert "plots/ours-mer2023-classes.svg" in names
    assert "plots/ours-mer2023-checkpoints.svg" in names
    assert sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file()) == sorted(files)


def test_a_second_report_replaces_the_first_with_the_same_bytes(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rules=RULES)
    first = {path: path.read_bytes() for path in write_report(tmp_path / "out", suite)}
    assert {path: path.read_bytes() for path in write_report(tmp_path / "out", suite)} == first


def test_the_page_runs_and_fetches_nothing(tmp_path: Path) -> None:
    write_report(tmp_path / "out", make_suite(tmp_path, "ours", rules=RULES))
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.tags & {"script", "img", "iframe", "link", "object", "embed", "image"}
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.findall(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_the_drawings_in_the_page_do_not_share_ids(tmp_path: Path) -> None:
    write_report(tmp_path / "out", make_suite(tmp_path, rules=RULES))
    ids = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8")).ids
    assert len(ids) == len(set(ids))


def test_a_hostile_name_is_text_everywhere(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, HOSTILE, "theirs", rules=RULES)
    files = write_report(tmp_path / "out", suite)
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert HOSTILE in page.text
    table = (tmp_path / "out" / "leaderboard.md").read_text(encoding="utf-8")
    assert "<script" not in table
    assert "\\|\\*\\_\\$" in table
    assert all(re.fullmatch(r"[\w.-]+", path.name) for path in files)


def test_a_hostile_label_and_checkpoint_are_text_in_the_drawings(tmp_path: Path) -> None:
    make_suite(tmp_path, rules=RULES)
    (tmp_path / "gold" / "mer2023.csv").write_text('name,label\na,"<script>$\\frac{$"\nb,sad\nc,\x1b\nd,happy\n')
    answers = dict.fromkeys("abcd", "[sad]")
    write_answers(tmp_path / "system0" / "mer2023.jsonl", {"</svg><script>1": answers, "</svg><script>2": answers})
    write_report(tmp_path / "out", remade(tmp_path))
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "<script>$\\frac{$" in page.text
    drawing = (tmp_path / "out" / "plots" / "system-mer2023-classes.svg").read_text(encoding="utf-8")
    assert "<script" not in drawing
    assert "\x1b" not in drawing
    assert "<script" not in (tmp_path / "out" / "plots" / "system-mer2023-checkpoints.svg").read_text(encoding="utf-8")


def test_a_hostile_response_stays_in_the_log_and_scores_again(tmp_path: Path) -> None:
    make_suite(tmp_path, rules=RULES)
    answers = {None: dict.fromkeys("abcd", "[sad]")}
    write_answers(tmp_path / "system0" / "mer2023.jsonl", answers, response=f"{HOSTILE}\ud800\n")
    suite = remade(tmp_path)
    write_report(tmp_path / "out", suite)
    lines = (tmp_path / "out" / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["response"] == f"{HOSTILE}\ud800\n"
    assert rescore(lines)["system"]["mer2023"] == suite.systems[0].sets["mer2023"].result.primary_scores()
    assert "alert(" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_page_and_the_table_say_what_a_score_cannot(tmp_path: Path) -> None:
    write_report(tmp_path / "out", make_suite(tmp_path, rules=RULES))
    for name in ("report.html", "leaderboard.md"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert "within that spread" in text
        assert "always six basic emotions" in text
        assert "3 of 9 sets" in text


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(tmp_path / "out", make_suite(tmp_path, rules=RULES))


@pytest.mark.parametrize("protocol", [Protocol.PUBLISHED_2026, Protocol.CORRECTED])
def test_the_other_protocols_are_reported_too(tmp_path: Path, protocol: Protocol) -> None:
    suite = make_suite(tmp_path, "ours", "theirs", rules=Rules(protocol, resamples=20))
    write_report(tmp_path / "out", suite)
    assert protocol in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
