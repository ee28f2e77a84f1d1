"""Duet's arms: one small AffectGPT model each, which differ in how face and voice meet. All parts are the shipped ones.

The language model is 64 wide and 2 layers deep, learns the prompt with random answers, and is then frozen; adapters of
rank 4, projectors and fusion train at a rate that rises to 1.6e-3 over 240 steps, 48 clips a step. Answers are read
from `generate`.

late        a token of the voice, a token of the face (means over time); the language model must combine them
late_mlp    the same, projectors of two layers: more parameters than attention, in case it is them that count
additive    a third token: the sum of both, side by side without interaction
attention   a third token: AffectGPT's pre-fusion
qformer     a third token: its other pre-fusion
aligned     a third token: both streams joined moment by moment, then averaged; ours
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModelForCausalLM

from benchmarks.duet_features import Split, World
from benchmarks.duet_words import examples, prompt_writer, say, tokenizer, write_example
from benchmarks.generated.duet import LABELS
from mercap.affectgpt.collate import pad
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.data import TrainingData
from mercap.affectgpt.features import FeatureStream
from mercap.affectgpt.fusion import Affine
from mercap.affectgpt.lora import make_trainable
from mercap.affectgpt.model import AffectGPTForConditionalGeneration
from mercap.affectgpt.presets import tiny
from mercap.affectgpt.prompt import Row
from mercap.affectgpt.training.loop import fit
from mercap.affectgpt.training.options import TrainingOptions, paper

BATCH = 48
RATE, RISE_STEPS = 1.6e-3, 240  # the rate rises all the way: so the steps at which arms part lie apart
WARM_UP_RATE = 1e-3
WARM_UP_STEPS = 100
INITIAL = 0.02  # deviation of the language model's first weights, transformers' own; docs/duet.md has another
TEST_BATCH = 256
NOTHING_FUSED = {"fusion": "none", "fused_tokens": 0}
ARMS: dict[str, dict[str, Any]] = {
    "late": NOTHING_FUSED,
    "late_mlp": NOTHING_FUSED,
    "additive": {"fusion": "additive"},
    "attention": {"fusion": "attention"},
    "qformer": {"fusion": "qformer"},
    "aligned": {"fusion": "aligned"},
}
FUSION_WIDTH, MLP_WIDTH = 64, 128


class Point(NamedTuple):
    """What share of the test clips is answered rightly after so many steps."""

    step: int
    accuracy: float


class Curve(NamedTuple):
    """One training: ``trained`` parameters, and its course."""

    arm: str
    seed: int
    trained: int
    points: list[Point]

    def at(self, step: int) -> float:
        return next(point.accuracy for point in self.points if point.step == step)

    def steps_to(self, accuracy: float) -> int | None:
        """The first step of the curve at which so much is reached."""
        return next((point.step for point in self.points if point.accuracy >= accuracy), None)


class TwoLayers(Affine):
    """A projector of two layers, in place of a linear one."""

    def __init__(self, wide: int, out: int) -> None:
        super().__init__(MLP_WIDTH, out)
        self.inner = Affine(wide, MLP_WIDTH)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        return super().forward(functional.gelu(self.inner(pooled)))


class Learner:
    """One arm of one seed. ``shuffled``: the training labels are dealt out anew, and there is nothing to learn."""

    def __init__(self, world: World, arm: str, seed: int, *, shuffled: bool = False) -> None:
        self.world, self.seed = world, seed
        config = arm_config(world, arm)
        self.model = arm_model(config, arm, seed)
        self.writer = prompt_writer(config)
        self._asked: list[Row] = []
        train = world.train
        if shuffled:
            train = train._replace(labels=np.random.default_rng(seed).permutation(train.labels))
        self.data = TrainingData(examples(train, seed), self.writer, world.features, ("labels",), tokens_max=64)

    @property
    def trained(self) -> int:
        return sum(value.numel() for value in self.model.parameters() if value.requires_grad)

    def course(self, halts: Sequence[int], folder: Path) -> Iterator[Point]:
        """Trains in ``folder`` up to the last of the steps ``halts``, and answers the test clips after each of them."""
        # An event comes when its loss is fetched; fetched at a common divisor, the model is as it was after that step.
        chosen = options(halts[-1], self.seed, math.gcd(*halts))
        for event in fit(self.model, self.data, chosen, folder):
            if event.kind == "step" and event.step in halts:
                yield Point(event.step, self.accuracy(self.world.test, self.world.features))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def accuracy(self, split: Split, features: Mapping[str, FeatureStream]) -> float:
        """The share of clips whose answer, greedily generated, is their word."""
        self.model.eval()
        right, questions = 0, self._questions(split)
        words = torch.tensor(tokenizer().convert_tokens_to_ids(list(LABELS)))
        for start in range(0, len(questions), TEST_BATCH):
            rows = questions[start : start + TEST_BATCH]
            given = pad(rows, self.writer.config, features, side="left").inputs("cpu")
            del given["position_ids"]  # `generate` makes its own of the mask
            answers = self.model.generate(**given, max_new_tokens=1, min_new_tokens=1)[:, 0]
            right += int((answers == words[split.labels[start : start + TEST_BATCH]]).sum())
        return right / len(questions)

    def _questions(self, split: Split) -> list[Row]:
        if split is not self.world.test:
            return self._written(split)
        if not self._asked:  # at every halt the same
            self._asked = self._written(split)
        return self._asked

    def _written(self, split: Split) -> list[Row]:
        rng = np.random.default_rng(0)
        return [self.writer.question(clip, say(rng), "labels") for clip in split.clips]


def train_arm(
    world: World, arm: str, seed: int, halts: Sequence[int], folder: Path, *, shuffled: bool = False
) -> Curve:
    """The curve of one arm and seed."""
    learner = Learner(world, arm, seed, shuffled=shuffled)
    return Curve(arm, seed, learner.trained, list(learner.course(halts, folder)))


def options(steps: int, seed: int, every: int) -> TrainingOptions:
    return paper(
        steps=steps, batch=BATCH, lr=RATE, lr_last=RATE, warmup_steps=RISE_STEPS, weight_decay=0.0, lora_dropout=0.0,
        seed=seed, device="cpu", log_every=every, checkpoint_every=steps, keep=1, tensorboard=False,
    )  # fmt: skip


def arm_config(world: World, arm: str) -> AffectGPTConfig:
    face, audio = world.features["face"], world.features["audio"]
    return tiny(
        face_steps=face.steps, face_dim=face.dim, audio_steps=audio.steps, audio_dim=audio.dim, pooling="mean",
        fusion_size=FUSION_WIDTH,
        **ARMS[arm],
    )  # fmt: skip


def arm_model(config: AffectGPTConfig, arm: str, seed: int) -> Any:
    """A model that trains, around the seed's own language model."""
    language_model = copy.deepcopy(warm_language_model(seed))
    torch.manual_seed(seed)
    model = AffectGPTForConditionalGeneration.around(config, language_model)
    if arm == "late_mlp":
        wide = {"face": config.face_dim, "audio": config.audio_dim}
        model.bridge.projectors = nn.ModuleDict(
            {stream: TwoLayers(wide[stream], config.hidden_size) for stream in config.stream_order}
        )
    return make_trainable(model)


@functools.cache
def warm_language_model(seed: int) -> Any:
    """A language model that knows the prompt, and that one of two words follows, but not which."""
    torch.manual_seed(seed)
    config = tiny().text_config
    config.initializer_range = INITIAL
    model = AutoModelForCausalLM.from_config(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=WARM_UP_RATE)
    rng = np.random.default_rng(seed)
    writers = [prompt_writer(tiny(**changes)) for changes in (NOTHING_FUSED, {"fusion": "additive"})]
    for step in range(WARM_UP_STEPS):
        labels = rng.integers(0, 2, BATCH)
        rows = [writers[step % 2].example(write_example("warm", label, rng), "labels") for label in labels]
        batch = pad([Row(row.clip, row.ids, len(row.ids) - 1) for row in rows], writers[step % 2].config, {})
        # Placeholders stand for themselves here: what will come in their places is not known yet.
        model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval().requires_grad_(False)
