"""Fixtures of the whole suite."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from mercap.backends.torchaudio_repair import repair_torchaudio
from tests.lab import ROOT, Lab

if find_spec("torch") is not None:
    repair_torchaudio()  # before any test imports transformers, which asks for torchaudio wherever it is installed


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
