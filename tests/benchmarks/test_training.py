"""Both ways of each comparison do the same work, and a comparison takes the fastest round of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from benchmarks import training  # noqa: E402
from benchmarks.training import (  # noqa: E402
    KINDS,
    Compared,
    Steps,
    compare,
    compare_answers,
    compare_encoding,
    compare_steps,
    show,
)
from benchmarks.waterfall_batches import draw  # noqa: E402
from mercap.affectgpt.presets import tiny  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_fastest_round_of_each_way_counts_and_the_first_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 10.0, 12.0, 20.0, 23.0, 30.0, 33.0])
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    calls: list[str] = []
    found = compare("x", 6, lambda: calls.append("alone"), lambda: calls.append("together"), rounds=2)
    assert calls == ["alone", "together"] * 3
    assert found == Compared("x", 6, alone_s=3.0, together_s=2.0)
    assert found.gain == 1.5


def test_packs_have_the_gradients_of_their_clips_and_every_clip_is_in_one() -> None:
    steps = Steps(draw(tiny(), 6, side=8))
    for found, wanted in zip(steps.together(1_024), steps.alone(), strict=True):
        assert torch.allclose(found, wanted, atol=1e-5)
        assert found.abs().sum() > 0 or wanted.abs().sum() == 0


def test_gradients_that_differ_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_last(self: Steps, tokens: int) -> Any:
        return self._gradients([[place] for place in range(len(self.draws.rows) - 1)])

    monkeypatch.setattr(Steps, "together", without_last)
    with pytest.raises(AssertionError, match="other gradients"):
        compare_steps(1, clips=3, packs=(512,))


def test_each_comparison_names_what_it_compares_and_measures_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    found = [*compare_steps(1, clips=3, packs=(512,)), *compare_encoding(1, clips=4), compare_answers(1, clips=4)]
    assert [one.what for one in found] == [
        "steps, packs of 512 tokens",
        *(f"encoding by {kind}, 16 at once" for kind in KINDS),
        "answers, 16 at once",
    ]
    assert all(one.alone_s > 0 and one.together_s > 0 for one in found)
    show(found)
    assert capsys.readouterr().out.count("\n") == 5
