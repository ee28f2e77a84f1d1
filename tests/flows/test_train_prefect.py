"""The flow `train` on a real Prefect server, with the tiny preset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from storage.store import Store
from tests.flows.test_prefect import _post, server  # noqa: F401 - `server` is a fixture
from tests.flows.trained import STEPS, annotated, draw_features, request
from tests.lab import ROOT

RUN = """
import json, sys
from flows.train import train
from flows.training_options import TrainRequest
print(json.dumps(train(TrainRequest.model_validate_json(sys.argv[1]))))
"""


def test_the_flow_trains_and_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:  # noqa: F811
    lab = annotated(tmp_path, 2)
    draw_features(Store.open(lab.store))
    wanted = request(lab, tmp_path / "run")
    for until, step in ((2, 2), (None, STEPS)):
        asked = wanted.model_copy(update={"until": until}).model_dump_json()
        done = subprocess.run(
            [sys.executable, "-c", RUN, asked], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert json.loads(done.stdout.splitlines()[-1])["step"] == step
    runs = _post(f"{server}/flow_runs/filter", {})
    assert {one["name"] for one in runs} == {"train-tiny-fast-run"}
    artifacts = {one["key"] for one in _post(f"{server}/artifacts/filter", {})}
    assert {"training", "training-progress"} <= artifacts


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "ERROR")
