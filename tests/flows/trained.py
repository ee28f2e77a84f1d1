"""A small store whose clips have features, for tests of training and asking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from flows.observer import Silent
from flows.options import AnnotateOptions
from flows.plain import annotate_plainly
from flows.training_options import TrainRequest
from mercap.affectgpt.encoders import load_encoder
from mercap.affectgpt.encoders.options import options_of
from mercap.affectgpt.encoders.table import STREAMS
from storage.captions import read_words
from storage.feature_parts import Without
from storage.features import FeatureFolder
from storage.store import Store
from tests.lab import Lab

STEPS = 6


def annotated(root: Path, count: int = 4) -> Lab:
    """A store of ``count`` clips with captions, of which the last is silent."""
    lab = Lab(root)
    lab.write_recipe()
    lab.fill(count)
    annotate(lab)
    return lab


def annotate(lab: Lab) -> None:
    options = AnnotateOptions(source=str(lab.clips), store=str(lab.store), recipe=str(lab.recipe), workers=1)
    annotate_plainly(options, Silent())


def draw_features(store: Store, *, leave: tuple[str, ...] = (), voiceless: tuple[str, ...] = ()) -> None:
    """Numbers at random under the names of the tiny preset's encoders: quick, and all that training looks at."""
    draw = np.random.default_rng(0)
    clips = [words.clip for words in read_words(store) if not set(words.names) & set(leave)]
    mute = {words.clip for words in read_words(store) if set(words.names) & set(voiceless)}
    for stream in STREAMS:
        encoder = load_encoder(options_of("tiny", stream))
        folder = FeatureFolder.create(store.root, encoder.identity)
        lacking = mute if stream == "audio" else set()
        shape = (folder.steps, folder.dim)
        numbers = {clip: draw.standard_normal(shape).astype(np.float16) for clip in clips if clip not in lacking}
        silent = Without("no_audio", "there is no audio", absent=True, retryable=False)
        without = dict.fromkeys(sorted(lacking), silent)
        folder.write("drawn", 0, numbers, without, {})


def request(lab: Lab, out: Path, **changes: Any) -> TrainRequest:
    training = {"steps": STEPS, "seed": 1, "pack_tokens": 2048, "checkpoint_every": 2, "device": "cpu"}
    training |= changes.pop("training", {})
    return TrainRequest(store=str(lab.store), out=str(out), view="captions", training=training, **changes)
