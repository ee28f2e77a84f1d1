"""What can run here: packages, bundled models, and the clashes that only show when something breaks."""

from __future__ import annotations

import importlib.util
import platform
from importlib.metadata import distribution
from typing import NamedTuple

from mercap.backends import BACKENDS, missing_packages
from mercap.stages import STAGES
from mercap.versions import installed_version
from tasks import train as training

_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_SHOWN = ("prefect", "duckdb", "pyarrow", "av", "opencv-python-headless", "faster-whisper", "pocketsphinx", "fastapi")


class RoleRow(NamedTuple):
    role: str
    backend: str
    ready: bool
    about: str
    enable: str | None  # the one command that would enable it; None where it is ready


class DoctorReport(NamedTuple):
    healthy: bool  # every stage has a back-end that can run
    python: str
    versions: dict[str, str | None]
    roles: list[RoleRow]
    problems: list[str]


def examine() -> DoctorReport:
    roles = [
        RoleRow(role, row.name, not missing, row.about, row.enable if missing else None)
        for role in STAGES
        for row in BACKENDS
        if role in row.roles
        for missing in (missing_packages(row),)
    ]
    missing = training.missing_packages()
    about = "features, train and infer: the AffectGPT model"
    roles.append(RoleRow("train", "torch", not missing, about, training.ENABLE if missing else None))
    problems = [*_opencv_problems(), *_fastapi_problems()]
    ready = {row.role for row in roles if row.ready}
    problems += [f"No back-end can run {role} here." for role in STAGES if role not in ready]
    return DoctorReport(
        not problems, platform.python_version(), {name: installed_version(name) for name in _SHOWN}, roles, problems
    )


def _opencv_problems() -> list[str]:
    """Several OpenCV wheels write the same files over each other; version 5 has no Haar cascades."""
    found = [name for name in _OPENCV if installed_version(name)]
    if len(found) > 1:
        return [
            f"{' and '.join(found)} overwrite each other; run: pip uninstall -y {' '.join(found)} && pip install -e ."
        ]
    if not found or importlib.util.find_spec("cv2") is None:
        return ["OpenCV is not installed; run: pip install -e ."]
    cascades = [
        file for file in distribution(found[0]).files or [] if file.name == "haarcascade_frontalface_default.xml"
    ]
    return (
        [] if cascades else [f"{found[0]} {installed_version(found[0])} ships no face cascades; run: pip install -e ."]
    )


def _fastapi_problems() -> list[str]:
    fastapi = installed_version("fastapi")
    if fastapi and tuple(map(int, fastapi.split(".")[:2])) >= (0, 151):
        return [f"Prefect does not start with fastapi {fastapi}; run: pip install 'fastapi<0.151'"]
    return []
