"""The waterfall on a CPU with the tiny preset: styles compute the same loss, every row comes, the gains add up."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from benchmarks import gpu_training, waterfall_rows  # noqa: E402
from benchmarks.gpu_generation import BENCHMARK_CLIPS, generation  # noqa: E402
from benchmarks.gpu_training import log_row, measure_all, missed, show  # noqa: E402
from benchmarks.waterfall import RUNGS, Rig, Style, styles  # noqa: E402
from benchmarks.waterfall_batches import Draws, Given, batches, draw  # noqa: E402
from benchmarks.waterfall_product import BURST, product_row, rates  # noqa: E402
from benchmarks.waterfall_rows import Setting, total_gain  # noqa: E402
from mercap.affectgpt.collate import pack, pad  # noqa: E402
from mercap.affectgpt.presets import affectgpt_2025, tiny  # noqa: E402
from mercap.affectgpt.training.events import Event  # noqa: E402

# Dynamo looks for gradients of what has none, and torch tells.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")

FAST = Style(
    live_encoders=False, number_type="bfloat16", packed=True, all_logits=False, dropout=0.0, fused_optimizer=True
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def draws() -> Draws:
    return draw(tiny(), 24, side=32)


def rig(style: Style) -> Rig:
    torch.manual_seed(0)
    return Rig(tiny(), style, "cpu", encoders="tiny", backend="eager")


def some(draws: Draws, packed: bool, count: int = 4) -> Given:
    rows = draws.rows[:count]
    batch = pack(rows, draws.config, draws.features) if packed else pad(rows, draws.config, draws.features)
    return Given(batch, draws.frames[:count], draws.sound[:count])


def test_rows_are_as_long_as_those_of_the_published_training_set() -> None:
    rows = draw(affectgpt_2025(face_dim=2, audio_dim=2), 2_000, side=8).rows
    assert np.mean([len(row.ids) for row in rows]) == pytest.approx(215, abs=3)
    assert np.mean([row.supervised for row in rows]) == pytest.approx(80, abs=3)


def test_each_rung_changes_one_thing_and_the_last_has_changed_everything() -> None:
    found = [style for _, style in styles("cuda")]
    assert all(len(rung.changes) == 1 for rung in RUNGS[1:])
    changed = {name for rung in RUNGS for name in rung.changes}
    assert changed == set(Style.__slots__)
    assert all(getattr(found[-1], name) != getattr(found[0], name) for name in changed)


def test_what_a_device_cannot_do_is_left_out_there_and_the_next_rungs_do_without() -> None:
    found = dict(styles("cpu"))
    assert found["flex attention"] is None
    assert found["supervised logits"] == Style(False, "bfloat16", packed=True, all_logits=False)


@pytest.mark.parametrize(
    "changes",
    [{"packed": False}, {"all_logits": True}, {"number_type": "float16"}, {"half_adapters": True}, {"compiled": True}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_style_changes_how_the_loss_is_computed_and_not_the_loss(draws: Draws, changes: dict[str, Any]) -> None:
    style = replace(FAST, **changes)
    expected = rig(FAST).loss(some(draws, packed=True)).item()
    assert rig(style).loss(some(draws, packed=style.packed)).item() == pytest.approx(expected, rel=5e-3)


def test_packs_fill_their_tokens_and_padded_batches_have_three_clips(draws: Draws) -> None:
    packed, padded = batches(draws, packed=True, tokens=1_024), batches(draws, packed=False, tokens=1_024)
    for _ in range(3):
        batch = next(packed).batch
        assert batch.input_ids.shape == (1, batch.tokens)
        assert 700 < batch.tokens <= 1_024
        assert len(next(padded).batch.clips) == 3


def test_live_encoders_give_features_of_the_shape_that_is_cached_and_stay_in_eval_mode(draws: Draws) -> None:
    live = rig(Style())
    live.model.train()
    assert live.encoders is not None
    face, audio = live.encoders.encode(draws.frames[:2], draws.sound[:2])
    again, _ = live.encoders.encode(draws.frames[:2], draws.sound[:2])
    assert (tuple(face.shape), tuple(audio.shape)) == ((2, 8, 24), (2, 8, 32))
    assert torch.equal(face, again)
    assert bool(torch.isfinite(face).all())
    assert bool(torch.isfinite(audio).all())


def test_half_adapters_are_roundings_of_masters_that_move_by_less_than_a_rounding(draws: Draws) -> None:
    made = rig(replace(FAST, half_adapters=True))
    assert made.masters is not None
    before = [copy.clone() for copy in made.masters.copies]
    made.step(some(draws, packed=True))
    assert any(not torch.equal(old, new) for old, new in zip(before, made.masters.copies, strict=True))
    assert all(value.dtype == torch.bfloat16 for value in made.masters.adapters)
    for value, copy in zip(made.masters.adapters, made.masters.copies, strict=True):
        assert torch.equal(value, copy.bfloat16())


def test_the_waterfall_has_all_rows_and_its_gains_make_up_the_total(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waterfall_rows, "WARM_UP", 0)
    setting = Setting("tiny", "cpu", seconds=0.01, tokens=512, peak=0.05, backend="eager")
    found = measure_all(setting, examples=12, answers=12)
    rows = found["rows"]
    assert [row["row"] for row in rows] == [rung.name for rung in RUNGS]
    assert [row["row"] for row in rows if "skipped" in row] == ["flex attention"]
    gains = [row["gain"] for row in rows if "gain" in row]
    assert math.prod(gains) == pytest.approx(found["total_gain"])
    assert all(0 < row["mfu"] < 1 and row["data_wait"] < 1 for row in rows if "gain" in row)
    assert found["product"]["gain"] == pytest.approx(found["product"]["clips_per_s"] / rows[0]["clips_per_s"])
    assert found["missed"] == []
    assert json.loads(json.dumps(found)) == found
    show(found)
    shown = capsys.readouterr().out
    assert "flex attention     does not train on cpu" in shown
    assert log_row(found) in shown


def test_a_row_without_memory_is_reported_and_the_next_is_compared_with_the_last_that_ran(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = iter([2.0, None, 6.0])

    def measured(*_: Any) -> dict[str, Any]:
        rate = next(rates)
        if rate is None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 6 GiB.")
        return {"clips_per_s": rate, "tokens_per_s": 1.0, "mfu": None, "memory_gb": None, "data_wait": 0.0,
                "step_s": 1.0, "first_step_s": 1.0}  # fmt: skip

    monkeypatch.setattr(waterfall_rows, "measure", measured)
    monkeypatch.setattr(waterfall_rows, "styles", lambda _: [("a", Style()), ("b", Style()), ("c", Style())])
    rows = waterfall_rows.waterfall(Setting("tiny", "cpu", 1.0, 512, None, "eager"), draw(tiny(), 3, side=8))
    assert rows[1] == {"row": "b", "skipped": "out of memory: CUDA out of memory"}
    assert rows[2]["gain"] == 3.0
    assert total_gain(rows) == 3.0


def test_the_shipped_loop_is_measured_on_the_same_clips_without_its_first_burst() -> None:
    setting = Setting("tiny", "cpu", seconds=0.01, tokens=512, peak=0.05, backend="eager")
    found = product_row(setting, draw(tiny(), 12, side=8))
    assert found["steps"] % BURST == 0
    assert found["clips_per_s"] * found["step_s"] == pytest.approx(found["clips_per_step"])
    assert 0 < found["mfu"] < 1
    assert found["first_step_s"] > 0


def test_rates_weigh_bursts_by_their_time() -> None:
    events = [
        Event("step", 1, clips=10, tokens=100, clips_per_s=10.0, mfu=0.4, waiting=0.0),
        Event("step", 2, clips=10, tokens=100, clips_per_s=5.0, mfu=0.1, waiting=0.3),
    ]
    found = rates(events)
    assert found["clips_per_s"] == pytest.approx(20 / 3)
    assert found["mfu"] == pytest.approx(0.2)
    assert found["data_wait"] == pytest.approx(0.2)


def test_goals_are_missed_one_by_one() -> None:
    good = {"mfu": 0.55, "data_wait": 0.001, "memory_gb": 60.0}
    assert missed(good, 8.5) == []
    assert missed(good | {"mfu": 0.4}, 8.5) == ["mfu is 0.4, the goal is 0.5"]
    assert missed(good | {"data_wait": 0.1, "memory_gb": 75.0}, 3.0) == [
        "gain is 3, the goal is 8",
        "data_wait is 0.1, it should be below 0.02",
        "memory_gb is 75, it should be below 70",
    ]


def test_answers_in_batches_are_extrapolated_to_the_whole_benchmark() -> None:
    found = generation("tiny", "cpu", 12)
    assert found["whole_benchmark_s"] == pytest.approx(BENCHMARK_CLIPS / found["answers_per_s"])
    assert found["gain"] == pytest.approx(found["answers_per_s"] / found["single_answers_per_s"])
    assert 130 < found["tokens_per_prompt"] < 140


def test_without_a_gpu_the_command_says_how_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu_training"])
    with pytest.raises(SystemExit, match="2"):
        gpu_training.main()
    assert "--device cpu --preset tiny" in capsys.readouterr().err
