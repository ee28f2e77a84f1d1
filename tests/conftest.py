"""Fixtures of the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import ROOT, Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Clips, a scripted recipe and a store to come, in a temporary folder."""
    made = Lab(tmp_path)
    made.write_recipe()
    return made


@pytest.fixture(scope="session")
def reference() -> Path:
    """Reference data that lies beside the checkout; never part of it."""
    folder = ROOT.parent / "shared" / "reference"
    if not folder.is_dir():
        pytest.skip("the reference data (../shared/reference) is not beside this checkout")
    return folder
