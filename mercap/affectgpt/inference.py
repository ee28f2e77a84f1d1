"""Answers of a trained model: batched, of like length together, padded on the left, greedy unless told otherwise.

An answer does not depend on the batch it was made in, but for the rounding of the batch's matrix products, which may
now and then decide a word in half precision. What is read are the clips' features; nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from mercap.affectgpt.collate import pad
from mercap.affectgpt.data import check_features
from mercap.affectgpt.example import Target
from mercap.affectgpt.features import FeatureStream
from mercap.affectgpt.prompt import PromptWriter, Row
from mercap.errors import UsageError
from mercap.identity import digest_text

# The published protocol samples (arXiv 2501.16566, released code); here that is asked for, and with a seed.
TEMPERATURE, TOP_P = 1.0, 0.9


class Question(NamedTuple):
    """A clip to be asked about, and the words that are said in it."""

    clip: str
    name: str
    subtitle: str


class Answer(NamedTuple):
    """``tokens`` are those of the response with its end; ``cut`` if it had none before ``max_new_tokens``."""

    clip: str
    name: str
    response: str
    tokens: int
    cut: bool


class Answerer:
    """Asks one model, merged and on its device (`mercap.affectgpt.lora.merge`).

    ``seed`` switches from greedy decoding to sampling: every clip draws from its own stream of random numbers, made of
    seed and clip, so a batch of one other than 1 clip is refused. Raises UsageError.
    """

    def __init__(
        self,
        model: Any,
        writer: PromptWriter,
        tokenizer: Any,
        features: Mapping[str, FeatureStream],
        *,
        target: Target = "labels",
        batch: int = 64,
        max_new_tokens: int = 256,
        seed: int | None = None,
    ) -> None:
        if seed is not None and batch != 1:
            raise UsageError("Sampling (--seed) asks one clip at a time: give --batch 1.")
        self.model = model.eval()
        self.features = check_features(features, writer.config)
        self._writer, self._tokenizer = writer, tokenizer
        self._target, self._batch, self._seed = target, batch, seed
        self._max_new_tokens = max_new_tokens

    def answers(self, questions: Sequence[Question]) -> Iterator[list[Answer]]:
        """A batch of answers at a time, the longest prompts first, so that what does not fit into memory shows at once.

        Where a batch does not fit into the device's memory it is halved, from then on; raises UsageError when one clip
        alone does not.
        """
        asked = [(one, self._writer.question(one.clip, one.subtitle, self._target)) for one in questions]
        asked.sort(key=lambda pair: -len(pair[1].ids))
        while asked:
            now = asked[: self._batch]
            try:
                found = self._ask([row for _, row in now])
            except torch.OutOfMemoryError as fault:
                if self._batch == 1:
                    raise UsageError("The device's memory is too small for one clip; take --device cpu.") from fault
                self._batch = max(1, min(self._batch, len(now)) // 2)
                torch.cuda.empty_cache()
                continue
            yield [Answer(one.clip, one.name, *answer) for (one, _), answer in zip(now, found, strict=True)]
            asked = asked[len(now) :]

    def _ask(self, rows: Sequence[Row]) -> list[tuple[str, int, bool]]:
        """(response, tokens, cut) of each."""
        batch = pad(rows, self._writer.config, self.features, side="left")
        wanted = {"input_ids", "attention_mask", "soft_mask", "face", "audio"}
        inputs = {name: value for name, value in batch.inputs(self.model.device).items() if name in wanted}
        with torch.inference_mode():
            tokens = self.model.generate(**inputs, max_new_tokens=self._max_new_tokens, **self._sampling(rows[0].clip))
        return [self._read(one) for one in tokens.tolist()]

    def _sampling(self, clip: str) -> dict[str, Any]:
        if self._seed is None:
            return {"do_sample": False}
        # A CPU's generator reads 32 bits of its seed: all of seed and clip must be in them.
        torch.manual_seed(int(digest_text(f"{self._seed} {clip}")[:8], 16))
        return {"do_sample": True, "temperature": TEMPERATURE, "top_p": TOP_P, "top_k": 0}

    def _read(self, tokens: list[int]) -> tuple[str, int, bool]:
        end = self._writer.eos
        cut = end not in tokens
        said = tokens if cut else tokens[: tokens.index(end)]
        text: str = self._tokenizer.decode(said, skip_special_tokens=True)
        return text.strip(), len(said) + (not cut), cut
