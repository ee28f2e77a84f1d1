"""What a model is trained on: one clip, its words, and what is to be said of it. No torch here."""

from __future__ import annotations

from typing import Literal, NamedTuple

Target = Literal["description", "labels"]
TARGETS: tuple[Target, ...] = ("description", "labels")


class Example(NamedTuple):
    """``clip`` is the SHA-256 of the media bytes, under which features are found; ``description`` or ``labels`` may be
    wanting, but not both."""

    clip: str
    name: str
    subtitle: str
    description: str | None
    labels: tuple[str, ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        """What can be asked about this clip."""
        present: dict[Target, bool] = {"description": bool(self.description), "labels": bool(self.labels)}
        return tuple(target for target in TARGETS if present[target])
