"""Whether what is trained on is also what is tested on: by name, and by content.

MER-Caption+ was drawn from the pool that holds the MER2024 and OV-MERD test clips, and at least one clip is known to be
in both (arXiv 2501.16566 does not say so), so a set that was checked is worth more than one that is said to be clean.
No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from mercap.affectgpt.example import Example
from mercap.sources.files import MEDIA_SUFFIXES


class BenchmarkSet(NamedTuple):
    """A test set: the names of its clips as `plain_name` gives them, and the SHA-256 of those that are at hand."""

    name: str
    names: frozenset[str]
    clips: frozenset[str] = frozenset()


class Leak(NamedTuple):
    """An example that a test set holds, too."""

    example: str
    benchmark: str
    by: Literal["name", "content"]


def plain_name(name: str) -> str:
    """A clip's name without folders and media suffix, in lower case: ``video/Sample_01.MP4`` -> ``sample_01``."""
    last = PurePosixPath(name.replace("\\", "/")).name.lower()
    stem, dot, suffix = last.rpartition(".")
    return stem if dot and f".{suffix}" in MEDIA_SUFFIXES else last


def find_leaks(
    examples: Sequence[Example], names: Mapping[str, Sequence[str]], benchmarks: Sequence[BenchmarkSet]
) -> list[Leak]:
    """Every example that is in a test set. ``names`` maps clips to their other names, where they have any.

    Content is compared byte for byte: the same scene, encoded anew under another name, is not found.
    """
    found: list[Leak] = []
    for example in examples:
        known = {plain_name(one) for one in (example.name, *names.get(example.clip, ()))}
        for benchmark in benchmarks:
            if example.clip in benchmark.clips:
                found.append(Leak(example.name, benchmark.name, "content"))
            elif known & benchmark.names:
                found.append(Leak(example.name, benchmark.name, "name"))
    return found
