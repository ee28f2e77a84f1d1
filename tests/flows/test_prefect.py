"""The Prefect runner on a real server: same cells, survives SIGKILL, runs as a deployment through a process worker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.test_resume import check_interrupt, check_resume, make, undisturbed  # noqa: F401 - `undisturbed` is a fixture
from tests.lab import ROOT, Lab

KILLS = 4
PREFECT = [sys.executable, "-m", "prefect"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Prefect server for all tests of this file, on a free port and a database of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    settings = {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "PREFECT_API_URL": url, "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_LEVEL": "WARNING",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    process = subprocess.Popen(
        [*PREFECT, "server", "start", "--no-ui", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(f"{url}/health", process)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, "the Prefect server ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("the Prefect server did not answer")


def test_without_a_server_the_run_brings_its_own_and_ends_without_noise(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default of the command line, on a machine that has never seen Prefect."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(lab.root / "prefect"))
    lab.fill(1)
    command = [part for part in lab.command(runner="prefect") if part not in ("--runner", "prefect")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["captions"] == 1
    assert "Traceback" not in done.stderr
    assert "CancelledError" not in done.stderr


@pytest.mark.usefixtures("server")
def test_both_runners_give_the_same_cells(undisturbed: Lab, tmp_path: Path) -> None:  # noqa: F811
    lab = make(tmp_path / "lab", 0.0)
    report = lab.annotate("--shard-size", "2", runner="prefect")
    assert lab.cells() == undisturbed.cells()
    assert report["computed_cells"] == len(undisturbed.cells())


@pytest.mark.usefixtures("server")
def test_a_prefect_run_killed_at_random_moments_ends_like_an_undisturbed_one(
    undisturbed: Lab,  # noqa: F811
    tmp_path: Path,
) -> None:
    check_resume(make(tmp_path / "lab", 0.05), undisturbed, KILLS, "prefect", latest=12.0, seed=7)


@pytest.mark.usefixtures("server")
def test_an_interrupted_prefect_run_keeps_what_it_has(undisturbed: Lab, tmp_path: Path) -> None:  # noqa: F811
    check_interrupt(make(tmp_path / "lab", 0.3), undisturbed, "prefect")


def test_a_process_worker_runs_the_deployment_to_completion(server: str, lab: Lab) -> None:
    """What the README tells a data engineer to type, against a real server."""
    lab.fill(3)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*PREFECT, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    for pool in ("mercap-cpu", "mercap-gpu"):
        run("work-pool", "create", pool, "--type", "process")
    run("--no-prompt", "deploy", "--all")
    found = {one["name"]: one for one in _post(f"{server}/deployments/filter", {})}
    assert set(found) == {"annotate", "features", "train"}
    deployment = found["annotate"]
    assert deployment["parameters"]["options"]["source"] == str(ROOT / "examples" / "clips" / "manifest.csv")
    assert deployment["paused"] or not any(one["active"] for one in deployment["schedules"])
    options = {"source": str(lab.clips), "store": str(lab.store), "recipe": str(lab.recipe), "workers": 2}
    run("deployment", "run", "annotate/annotate", "--param", f"options={json.dumps(options)}")
    run("worker", "start", "--pool", "mercap-cpu", "--run-once", "--limit", "1")
    state = _newest_flow_run(server)
    assert state == "COMPLETED"
    status = json.loads(
        subprocess.run(
            [sys.executable, "-m", "app", "status", "--store", str(lab.store), "--json"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    assert status["published_snapshot"] == 1
    assert [(run["state"], run["runner"]) for run in status["runs"]] == [("finished", "prefect")]
    kinds = {artifact["type"] for artifact in _post(f"{server}/artifacts/filter", {})}
    assert kinds >= {"progress", "markdown"}
    names = {task["name"] for task in _post(f"{server}/task_runs/filter", {"limit": 200})}
    assert "verdict-0" in names


def _newest_flow_run(server: str) -> str:
    """The worker starts the run and ends; the run may take a little longer."""
    deadline = time.monotonic() + 120
    state = "NONE"
    while time.monotonic() < deadline and state not in ("COMPLETED", "FAILED", "CRASHED"):
        runs = _post(f"{server}/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 1})
        state = runs[0]["state_type"]
        time.sleep(0.5)
    return state


def _post(url: str, body: dict[str, object]) -> list[dict[str, Any]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def test_deployments_are_what_was_meant() -> None:
    """Golden: a deployment that is renamed, switched on or pointed elsewhere is seen in review."""
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert [
        (one["name"], one["entrypoint"], one["work_pool"]["name"], [when["active"] for when in one["schedules"]])
        for one in deployments
    ] == [
        ("annotate", "flows.annotate.annotate", "mercap-cpu", [False]),
        ("features", "flows.features_prefect.features", "mercap-gpu", []),
        ("train", "flows.train.train", "mercap-gpu", []),
    ]
