"""Versions of what is installed, for provenance and for `mercap doctor`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str | None:
    """None where the package is not installed (mercap itself, when run from a bare checkout)."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
