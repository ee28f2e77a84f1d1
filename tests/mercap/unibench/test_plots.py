from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mercap.unibench.plots import INK, PAPER, checkpoints_plot, classes_plot, for_file, for_page
from mercap.unibench.suite import Suite
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_suite(tmp_path, rules=Rules(resamples=0))


def test_every_kind_of_set_is_drawn_as_text_that_can_be_read(suite: Suite) -> None:
    expected = {"mer2023": "happy (1)", "cmumosi": "negative (1)", "ovmerdplus": "mad (1)"}
    for name, label in expected.items():
        drawn = for_file(classes_plot(suite.systems[0].sets[name], suite.groups))
        assert label in "".join(ET.fromstring(drawn).itertext())


def test_a_file_is_black_on_white_and_a_page_lends_its_own_colour(suite: Suite) -> None:
    drawn = checkpoints_plot(suite.systems[0].sets["mer2023"])
    for text in (for_file(drawn), for_page(drawn, 1)):
        assert INK not in text
        assert PAPER not in text
    assert "currentColor" in for_page(drawn, 1)
    assert "#ffffff" in for_file(drawn)


def test_references_inside_a_page_still_meet_their_ids(suite: Suite) -> None:
    root = ET.fromstring(for_page(checkpoints_plot(suite.systems[0].sets["mer2023"]), 7))
    ids = {found for element in root.iter() if (found := element.get("id"))}
    uses = {found for element in root.iter() if (found := element.get("{http://www.w3.org/1999/xlink}href"))}
    assert uses
    assert all(use.removeprefix("#") in ids for use in uses)
    assert all(found.startswith("p7-") for found in ids)


def test_labels_in_any_script_are_drawn_without_a_warning(tmp_path: Path, suite: Suite) -> None:
    one = suite.systems[0].sets["mer2023"]
    one.result.gold.labels["a"] = ("悲伤",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "悲伤" in classes_plot(one, suite.groups)
