"""The flow `features` on a real Prefect server. A stand-in encodes, so that no torch is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storage.features import feature_folders
from tests.flows.test_prefect import _post, server  # noqa: F401 - `server` is a fixture
from tests.lab import ROOT, Lab

RUN = """
import json, sys
import flows.features
from tests.tasks.test_features import Mean
flows.features.load_encoder = lambda _options: Mean()
from flows.features_prefect import features
print(json.dumps(features(flows.features.FeatureOptions.model_validate_json(sys.argv[1]))))
"""


def test_the_flow_encodes_a_shard_per_task_run_and_goes_on_where_it_stopped(server: str, lab: Lab) -> None:  # noqa: F811
    lab.fill(5)
    first = run(lab.clips, lab.store)
    assert (first["exit_code"], first["streams"][0]["encoded"]) == (0, 5)
    (folder,) = feature_folders(lab.store)
    assert len(folder) == 5
    again = run(lab.clips, lab.store)
    assert (again["streams"][0]["encoded"], again["streams"][0]["already"]) == (0, 5)
    names = sorted(one["name"] for one in _post(f"{server}/task_runs/filter", {"limit": 200}))
    assert names == ["face-0", "face-1", "face-2"]
    assert {one["name"] for one in _post(f"{server}/flow_runs/filter", {})} == {"features-clips-clip"}


def run(clips: Path, store: Path) -> dict[str, Any]:
    options = {"source": str(clips), "store": str(store), "encoders": [{"kind": "clip"}], "shard_size": 2, "workers": 2}
    command = [sys.executable, "-c", RUN, json.dumps(options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "ERROR")
