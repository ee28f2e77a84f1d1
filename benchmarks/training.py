"""What putting clips together gains on a CPU: in training steps, in encoding, in answers. Ratios, in one process.

    python -m benchmarks.training [--rounds 3] [--threads 1] [--json]

steps     forward and backward over the same clips, as long as those of the published training set, one after the other
          and in packs of several sizes; the tiny preset, fp32. The gradients of both must be the same.
encoding  clips through the encoders that need no download, one by one and in batches.
answers   16 tokens for each clip, one by one and in batches; the responses must be the same.

Both ways take turns, and the faster round of each counts, so that other work on the machine costs both alike. A small
model on a CPU gains from fewer calls and loses to attention over longer rows: what a GPU gains is measured by
`benchmarks.gpu_training`. About a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from mercap.backends.torchaudio_repair import repair_torchaudio

repair_torchaudio()  # before transformers, which asks for torchaudio wherever it is installed

import torch  # noqa: E402

from benchmarks.duet_features import as_samples  # noqa: E402
from benchmarks.generated.duet import draw_clips  # noqa: E402
from benchmarks.waterfall_batches import WINDOW, Draws, draw  # noqa: E402
from mercap.affectgpt.collate import pack, pad  # noqa: E402
from mercap.affectgpt.encoders import load_encoder  # noqa: E402
from mercap.affectgpt.encoders.options import EncoderOptions  # noqa: E402
from mercap.affectgpt.inference import Answerer, Question  # noqa: E402
from mercap.affectgpt.lora import make_trainable  # noqa: E402
from mercap.affectgpt.model import AffectGPTForConditionalGeneration  # noqa: E402
from mercap.affectgpt.presets import tiny  # noqa: E402
from mercap.affectgpt.prompt import PromptWriter  # noqa: E402
from mercap.affectgpt.tokenizer import byte_tokenizer  # noqa: E402
from mercap.affectgpt.training.packs import pack_lengths  # noqa: E402
from prompts import load_prompt  # noqa: E402

CLIPS = 48
PACKS = (512, 1_024, 2_048, 4_096)
BATCH = 16
ANSWER_TOKENS = 16
PROMPT = "train/v1.en"
KINDS = ("clip_rows", "log_mel")


class Compared(NamedTuple):
    """Seconds for the same work, clip by clip and together."""

    what: str
    clips: int
    alone_s: float
    together_s: float

    @property
    def gain(self) -> float:
        return self.alone_s / self.together_s


def compare(what: str, clips: int, alone: Callable[[], Any], together: Callable[[], Any], rounds: int) -> Compared:
    """Both once to warm up, then in turns; the fastest of each."""
    alone(), together()
    taken = [(_seconds(alone), _seconds(together)) for _ in range(rounds)]
    return Compared(what, clips, min(one for one, _ in taken), min(other for _, other in taken))


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Steps:
    """One model, and the gradients of all clips of ``draws`` by two ways."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        torch.manual_seed(0)
        self.model = make_trainable(AffectGPTForConditionalGeneration(draws.config)).train()
        self.values = [value for value in self.model.parameters() if value.requires_grad]
        self.supervised = sum(row.supervised for row in draws.rows)

    def alone(self) -> list[torch.Tensor]:
        return self._gradients([[place] for place in range(len(self.draws.rows))])

    def together(self, tokens: int) -> list[torch.Tensor]:
        return self._gradients(pack_lengths([len(row.ids) for row in self.draws.rows], tokens, WINDOW))

    def _gradients(self, groups: list[list[int]]) -> list[torch.Tensor]:
        self.model.zero_grad(set_to_none=True)
        for places in groups:
            rows = [self.draws.rows[place] for place in places]
            make = pack if len(rows) > 1 else pad
            batch = make(rows, self.draws.config, self.draws.features)
            self.model(**batch.inputs("cpu"), num_items=self.supervised).loss.backward()
        return [value.grad.clone() for value in self.values]


def compare_steps(rounds: int, clips: int = CLIPS, packs: tuple[int, ...] = PACKS) -> list[Compared]:
    steps = Steps(draw(tiny(), clips, side=8))
    expected = steps.alone()
    for found, wanted in zip(steps.together(packs[-1]), expected, strict=True):
        assert torch.allclose(found, wanted, atol=1e-5), "packs have other gradients than their clips"
    return [
        compare(f"steps, packs of {tokens:,} tokens", clips, steps.alone, lambda: steps.together(tokens), rounds)  # noqa: B023
        for tokens in packs
    ]


def compare_encoding(rounds: int, clips: int = CLIPS) -> list[Compared]:
    samples = as_samples(draw_clips("congruence", clips, 0))
    found = []
    for kind in KINDS:
        one, many = (load_encoder(EncoderOptions(kind=kind, device="cpu", batch=batch)) for batch in (1, BATCH))
        found.append(
            compare(f"encoding by {kind}, {BATCH} at once", clips, lambda: one.encode(samples),  # noqa: B023
                    lambda: many.encode(samples), rounds)  # noqa: B023
        )  # fmt: skip
    return found


def compare_answers(rounds: int, clips: int = CLIPS) -> Compared:
    config = tiny()
    draws, tokenizer = draw(config, clips, side=8), byte_tokenizer()
    torch.manual_seed(0)
    model = AffectGPTForConditionalGeneration(config)
    writer = PromptWriter(tokenizer, config, load_prompt(PROMPT))
    questions = [Question(row.clip, row.clip, "so it is, " * (1 + number % 4)) for number, row in enumerate(draws.rows)]

    def ask(batch: int) -> dict[str, str]:
        answerer = Answerer(model, writer, tokenizer, draws.features, batch=batch, max_new_tokens=ANSWER_TOKENS)
        return {answer.clip: answer.response for answers in answerer.answers(questions) for answer in answers}

    assert ask(1) == ask(BATCH), "a batch answers otherwise than its clips"
    return compare(f"answers, {BATCH} at once", clips, lambda: ask(1), lambda: ask(BATCH), rounds)


def measure_all(rounds: int) -> list[Compared]:
    return [*compare_steps(rounds), *compare_encoding(rounds), compare_answers(rounds)]


def show(found: list[Compared]) -> None:
    print(f"{'':<34}{'clips/s alone':>15}{'together':>10}{'gain':>8}")
    for one in found:
        print(f"{one.what:<34}{one.clips / one.alone_s:>15.1f}{one.clips / one.together_s:>10.1f}{one.gain:>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = measure_all(arguments.rounds)
    if arguments.json:
        print(json.dumps([{**one._asdict(), "gain": one.gain} for one in found]))
    else:
        show(found)


if __name__ == "__main__":
    main()
