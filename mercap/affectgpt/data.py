"""What training draws from: examples as token ids in memory, features where they lie.

Tokens of 100,000 clips with both targets take about 0.2 GB. Nothing here is drawn at random: which example and which
target comes when is the loop's to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.example import Example, Target
from mercap.affectgpt.features import MISSING, OK, FeatureStream
from mercap.affectgpt.prompt import PromptWriter, Row
from mercap.errors import UsageError
from mercap.identity import canonical_json


class LeftOut(NamedTuple):
    """An example that is not trained on, and why: ``too_long``, ``no_target``, or the cause it has no features for."""

    name: str
    clip: str
    reason: str


class TrainingData:
    """The examples that can be trained on, in the order given; ``left_out`` names the others.

    ``targets`` says what is asked for; an example is kept if it has one of them. ``tokens_max`` is the longest row
    that is taken. Raises UsageError when a clip was never encoded, when features do not have the model's shape, and
    when nothing is left.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        writer: PromptWriter,
        features: Mapping[str, FeatureStream],
        targets: tuple[Target, ...],
        tokens_max: int,
    ) -> None:
        self.config: AffectGPTConfig = writer.config
        self.features = check_features(features, self.config)
        self.left_out: list[LeftOut] = []
        self._asked = targets
        self._clips: list[str] = []
        self._rows: list[dict[Target, tuple[NDArray[np.int32], int]]] = []
        hashed = hashlib.sha256(_head(writer, self.features, targets).encode())
        for example in self._encoded(examples):
            rows = self._tokenised(example, writer, tokens_max)
            if rows:
                self._clips.append(example.clip)
                self._rows.append(rows)
                for target, (ids, supervised) in rows.items():
                    hashed.update(f"{example.clip} {target} {supervised} ".encode() + ids.tobytes())
        if not self._rows:
            raise UsageError(f"None of {len(examples)} examples can be trained on: {self._why()}.")
        self.digest = hashed.hexdigest()

    def __len__(self) -> int:
        return len(self._rows)

    def clip(self, place: int) -> str:
        return self._clips[place]

    def targets(self, place: int) -> tuple[Target, ...]:
        """What can be asked about the example at this place, at least one."""
        return tuple(self._rows[place])

    def row(self, place: int, target: Target) -> Row:
        ids, supervised = self._rows[place][target]
        return Row(self._clips[place], ids.tolist(), supervised)

    def length(self, place: int, target: Target) -> int:
        """Tokens of `row`."""
        return len(self._rows[place][target][0])

    def _encoded(self, examples: Sequence[Example]) -> list[Example]:
        """Those whose features are there. A clip without face or voice is left out; one never encoded is an error."""
        kept, missing = [], []
        for example in examples:
            states = [stream.status(example.clip) for stream in self.features.values()]
            if MISSING in states:
                missing.append(example.name)
            elif any(state != OK for state in states):
                self.left_out.append(LeftOut(example.name, example.clip, next(one for one in states if one != OK)))
            else:
                kept.append(example)
        if missing:
            raise UsageError(
                f"{len(missing):,} of {len(examples):,} clips have no features, the first is {missing[0]!r}; "
                "run mercap features on their folder."
            )
        return kept

    def _tokenised(
        self, example: Example, writer: PromptWriter, tokens_max: int
    ) -> dict[Target, tuple[NDArray[np.int32], int]]:
        wanted = [target for target in example.targets if target in self._asked]
        rows = [(target, writer.example(example, target)) for target in wanted]
        found = {
            target: (np.array(row.ids, np.int32), row.supervised) for target, row in rows if len(row.ids) <= tokens_max
        }
        if not found:
            self.left_out.append(LeftOut(example.name, example.clip, "too_long" if rows else "no_target"))
        return found

    def _why(self) -> str:
        reasons = [one.reason for one in self.left_out]
        return ", ".join(f"{reasons.count(one)} {one}" for one in dict.fromkeys(reasons)) or "there are none"


def check_features(features: Mapping[str, FeatureStream], config: AffectGPTConfig) -> dict[str, FeatureStream]:
    """The streams the model reads. Raises UsageError where one is missing or has another shape than the model's."""
    needed = ("face", "audio") if "fused" in config.stream_order else tuple(config.stream_order)
    for stream in needed:
        if stream not in features:
            raise UsageError(f"The model reads {stream!r}, and no features of it were given.")
        found, wanted = features[stream], (getattr(config, f"{stream}_steps"), getattr(config, f"{stream}_dim"))
        if (found.steps, found.dim) != wanted:
            kind = found.identity.get("kind", stream)
            raise UsageError(
                f"The features of {kind} are {found.steps} x {found.dim}, the model reads {wanted[0]} x {wanted[1]} "
                f"of {stream!r}; take the encoder it was made for."
            )
    return {stream: features[stream] for stream in needed}


def _head(writer: PromptWriter, features: Mapping[str, FeatureStream], targets: Sequence[Target]) -> str:
    identities = {stream: found.identity for stream, found in features.items()}
    return canonical_json({"prompt": writer.prompt.digest, "features": identities, "targets": list(targets)})
