"""The house rules that a machine can hold."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from mercap.errors import CAUSES
from mercap.recipe import load_recipe
from mercap.records import PAYLOADS
from mercap.stages import EMBEDDED_VOTERS, STAGES, plan_stages
from storage.views import VIEWS, views_markdown
from tasks import STEPS
from tests.lab import ROOT

FOLDERS = ("app", "filters", "flows", "mercap", "prompts", "storage", "tasks")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_source_file_says_what_it_is_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no module docstring"
    assert len(text.splitlines()) <= 420, "one noun or one step a file"
    assert path.stem not in FORBIDDEN_NAMES


def test_no_flow_hides_a_folder_a_dependency_or_a_standard_module() -> None:
    stems = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert not stems & {*FOLDERS, "prefect", "duckdb", *sys.stdlib_module_names}


def test_every_stage_has_a_step_and_a_payload() -> None:
    assert set(STEPS) == set(STAGES) == set(PAYLOADS)


def test_every_stage_comes_after_what_it_reads() -> None:
    seen: set[str] = set()
    for key, stage in plan_stages(load_recipe("embedded")).items():
        assert set(stage.upstream) <= seen
        seen.add(key)


def test_every_voter_of_the_table_is_in_the_shipped_recipe() -> None:
    assert {voter.name for voter in load_recipe("embedded").vote} == set(EMBEDDED_VOTERS)


def test_the_page_of_views_is_up_to_date() -> None:
    """Renew with: python -m tests.renew"""
    assert (ROOT / "docs" / "views.md").read_text(encoding="utf-8") == views_markdown()


def test_every_cause_is_documented() -> None:
    page = (ROOT / "docs" / "causes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(CAUSES)


def test_every_view_that_is_promised_is_there() -> None:
    promised = "captions captions_plus clips sources transcripts measures cues votes verdicts quarantine runs ledger"
    assert set(promised.split()) <= set(VIEWS)


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "examples/README.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    code = re.findall(r"`([a-z_]+/[\w./-]*|[\w-]+\.(?:toml|yaml|md|py))`", text)
    named = {*code, *re.findall(r"\]\(([\w./-]+)\)", text)}
    base = (ROOT / page).parent
    made_by_running = {"DIR/published/mercap.duckdb", "mine.toml", "run.json"}
    in_folder = {path.name for path in SOURCES}
    missing = {
        name for name in named - made_by_running
        if not (ROOT / name).exists() and not (base / name).exists() and name not in in_folder and "*" not in name
    }  # fmt: skip
    assert not missing
