"""The loop: what it learns, what it changes, where it stops and goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
school = pytest.importorskip("tests.mercap.affectgpt.training.lessons")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.lora import is_adapter, trained_names  # noqa: E402
from mercap.affectgpt.training import loop  # noqa: E402
from mercap.affectgpt.training.events import EVENTS, Event, read_events  # noqa: E402
from mercap.affectgpt.training.loop import fit  # noqa: E402
from mercap.affectgpt.training.options import paper  # noqa: E402
from mercap.errors import UsageError  # noqa: E402

# A step of Adam is as long as its rate whatever the gradient, and would show the sign of what is rounding alone; with a
# large epsilon it follows the gradient.
LINEAR: dict[str, Any] = {"lr": 1e-2, "lr_last": 1e-2, "epsilon": 1.0, "lora_dropout": 0.0}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def steps(events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == "step"]


def weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


@pytest.mark.parametrize(
    "options",
    [
        school.quick(steps=150, lr=1e-2, pack_tokens=64),
        paper(steps=150, lr=5e-3, lr_last=5e-3, batch=6, lora_dropout=0.0, log_every=10, device="cpu"),
    ],
    ids=lambda options: options.recipe,
)
def test_a_few_clips_are_learnt_by_heart_and_said_again(tmp_path: Path, options: Any) -> None:
    """They ask the same question, so that features alone tell them apart."""
    model = school.learner()
    data = school.lessons(model.config, 6, both=False)
    events = steps(list(fit(model, data, options, tmp_path)))
    assert len(events) == 150
    assert max(event.loss or 9 for event in events[-5:]) < 0.05
    model.eval()
    for place in range(len(data)):
        row = data.row(place, "labels")
        clip = {stream: torch.from_numpy(found.rows([row.clip])) for stream, found in data.features.items()}
        said = model.generate(batches.row(row.ids[: -row.supervised]), **clip, max_new_tokens=4, eos_token_id=2)
        assert said[0].tolist() == row.ids[-row.supervised :]


def test_a_run_changes_exactly_what_is_declared_and_all_of_it(tmp_path: Path) -> None:
    model = school.learner(batches.vivid(idle_image_projector=True))
    before = weights(model)
    list(fit(model, school.lessons(model.config, 8), school.quick(steps=2), tmp_path))
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed == trained_names(model)
    assert any(is_adapter(name) for name in changed)
    assert not any("image_projector" in name for name in changed)


def test_the_sum_of_small_batches_is_the_large_one_and_a_mean_of_means_is_not(tmp_path: Path) -> None:
    """One step over eight clips, at once and one after another, with answers of unequal length."""
    ended, config = {}, batches.vivid()
    for name, size, accumulate in (("at once", 8, 1), ("by two", 2, 4), ("one by one", 1, 8)):
        model = school.learner(config, torch.float64)
        options = paper(steps=1, batch=size, accumulate=accumulate, device="cpu", **LINEAR)
        event = steps(list(fit(model, school.lessons(config, 8), options, tmp_path / name)))[0]
        ended[name] = (event, weights(model))
    whole, expected = ended["at once"]
    for name in ("by two", "one by one"):
        event, found = ended[name]
        assert event.loss == pytest.approx(whole.loss, abs=1e-12)
        assert event.grad_norm == pytest.approx(whole.grad_norm, rel=1e-12)
        assert all(torch.allclose(found[key], expected[key], atol=1e-12, rtol=0) for key in expected), name
    data, model = school.lessons(config, 8), school.learner(config, torch.float64)
    singly = [loss_of(model, data, [draw]) for draw in first_draws(data)]
    assert abs(sum(singly) / 8 - float(whole.loss or 0)) > 0.01


def first_draws(data: Any) -> list[Any]:
    from mercap.affectgpt.training.packs import plan_epoch

    return plan_epoch(data, paper(batch=8), 0).batch(0)


def loss_of(model: Any, data: Any, draws: list[Any]) -> float:
    from mercap.affectgpt.collate import pad

    rows = [data.row(*draw) for draw in draws]
    return float(model(**pad(rows, data.config, data.features).inputs("cpu")).loss.detach())


def test_packs_teach_what_padded_batches_teach(tmp_path: Path) -> None:
    """One step over the same clips, in one packed row and in rows of their own."""
    config, ended = batches.vivid(), []
    for name, options in (
        ("packed", school.quick(steps=1, pack_tokens=1_000, clip_norm=None, warmup_steps=0, **LINEAR)),
        ("padded", paper(steps=1, batch=9, device="cpu", **LINEAR)),
    ):
        model = school.learner(config, torch.float64)
        events = steps(list(fit(model, school.lessons(config, 9), options, tmp_path / name)))
        ended.append((events[0].loss, events[0].grad_norm, weights(model)))
    (loss, length, found), (other, other_length, expected) = ended
    assert loss == pytest.approx(other, abs=1e-12)
    assert length == pytest.approx(other_length, rel=1e-11)
    assert all(torch.allclose(found[key], expected[key], atol=1e-12, rtol=0) for key in expected)


def test_a_run_in_pieces_is_the_run_in_one(tmp_path: Path) -> None:
    """By ``until`` and by ``stop``; a listener that lets the model answer and draws random numbers does no harm."""
    config = batches.vivid(lora_dropout=0.2)
    options = school.quick(lora_dropout=0.2)
    whole = school.learner(config)
    expected = steps(list(fit(whole, school.lessons(config, 11), options, tmp_path / "whole")))
    stop, found = threading.Event(), []
    for until in (3, 10, None):
        stop.clear()
        model = school.learner(config, seed=0)
        torch.rand(7)
        for event in fit(model, school.lessons(config, 11), options, tmp_path / "pieces", until=until, stop=stop):
            found.append(event)
            model.eval()
            if until is None and event.step == 15 and event.kind == "step":
                stop.set()
    assert (found[-1].kind, found[-1].step) == ("stopped", 15)
    found += fit(model, school.lessons(config, 11), options, tmp_path / "pieces")
    told = [event.loss for event in steps(found)]
    assert told == [event.loss for event in expected]
    assert [event.step for event in found if event.kind == "resumed"] == [3, 10, 15]
    one, other = weights(whole), weights(model)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert [event.loss for event in read_events(tmp_path / "pieces" / EVENTS) if event.kind == "step"] == told


def test_checkpoints_are_made_however_seldom_the_loss_is_looked_at(tmp_path: Path) -> None:
    model = school.learner()
    options = school.quick(steps=5, checkpoint_every=2, log_every=50, keep=2)
    events = list(fit(model, school.lessons(model.config, 8), options, tmp_path))
    assert [(event.kind, event.step) for event in events if event.kind != "step"] == [
        ("saved", 2), ("saved", 4), ("saved", 5), ("done", 5)
    ]  # fmt: skip
    assert [event.step for event in steps(events)] == [1, 2, 3, 4, 5]
    kept = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.json"))
    assert kept == ["step-000000004.json", "step-000000005.json"]


def test_a_run_that_is_over_says_so_and_changes_nothing(tmp_path: Path) -> None:
    model, options = school.learner(), school.quick(steps=2)
    data = school.lessons(model.config, 5)
    list(fit(model, data, options, tmp_path))
    kept = (tmp_path / "checkpoints" / "step-000000002.safetensors").stat().st_mtime_ns
    again = [event.kind for event in fit(school.learner(), data, options, tmp_path)]
    assert again == ["resumed", "done"]
    assert (tmp_path / "checkpoints" / "step-000000002.safetensors").stat().st_mtime_ns == kept


def test_whoever_stops_listening_leaves_no_thread_and_no_lock(tmp_path: Path) -> None:
    before = threading.active_count()
    model = school.learner()
    data = school.lessons(model.config, 5)
    events = fit(model, data, school.quick(checkpoint_every=1), tmp_path)
    assert next(events).step == 1
    events.close()
    assert threading.active_count() == before
    assert next(fit(model, data, school.quick(checkpoint_every=1), tmp_path)).kind in ("resumed", "step")


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    model = school.learner()
    data = school.lessons(model.config, 5)
    first = fit(model, data, school.quick(), tmp_path)
    next(first)
    with pytest.raises(UsageError, match="Another process is training in"):
        next(fit(school.learner(), data, school.quick(), tmp_path))
    first.close()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"lr": 1e-4, "lr_last": 3e-4}, None),
        ({"seed": 7}, r"another options.seed \(42, now 7\)"),
        ({"pack_tokens": 80}, r"another options.pack_tokens \(64, now 80\)"),
        ({"data": 1}, r"another data \("),
        ({"frozen": 5}, r"another frozen \("),
        ({"identity": "other"}, r"another identity.tokenizer \(one, now other\)"),
        ({"pooling": "mean"}, r"another model \("),
    ],
    ids=str,
)
def test_a_resume_with_anything_else_is_refused(tmp_path: Path, changed: dict[str, Any], sentence: str | None) -> None:
    model = school.learner()
    list(fit(model, school.lessons(model.config, 5), school.quick(), tmp_path, until=2, identity={"tokenizer": "one"}))
    kept = (tmp_path / EVENTS).read_bytes()
    told = {"tokenizer": changed.pop("identity", "one")}
    again = school.learner(batches.vivid(pooling=changed.pop("pooling", "linear")), seed=changed.pop("frozen", 0))
    data = school.lessons(again.config, 5, seed=changed.pop("data", 0))
    if sentence is None:
        with pytest.raises(UsageError, match="lr_last"):
            school.quick(**changed)
        return
    with pytest.raises(UsageError, match=sentence):
        list(fit(again, data, school.quick(**changed), tmp_path, identity=told))
    assert (tmp_path / EVENTS).read_bytes() == kept


def test_a_second_stage_begins_with_the_weights_of_the_first(tmp_path: Path) -> None:
    config = batches.vivid()
    coarse, fine = school.lessons(config, 9), school.lessons(config, 4, seed=1)
    first = school.learner(config)
    list(fit(first, coarse, school.quick(), tmp_path / "coarse"))
    second = school.learner(config)
    options = school.quick(steps=3)
    events = fit(second, fine, options, tmp_path / "fine", start=tmp_path / "coarse", until=1)
    loss = steps(list(events))[0].loss
    untrained = steps(list(fit(school.learner(config), fine, options, tmp_path / "anew", until=1)))[0].loss
    first.train()
    assert loss == pytest.approx(loss_of(first, fine, first_plan(fine, options)), rel=1e-6)
    assert loss != untrained
    resumed = list(fit(second, fine, options, tmp_path / "fine", start=tmp_path / "coarse"))
    assert resumed[0].kind == "resumed"
    with pytest.raises(UsageError, match="another start"):
        list(fit(second, fine, options, tmp_path / "fine"))


def first_plan(data: Any, options: Any) -> list[Any]:
    from mercap.affectgpt.training.packs import plan_epoch

    return plan_epoch(data, options, 0).batch(0)


def test_adapters_with_another_dropout_than_the_recipes_are_a_sentence(tmp_path: Path) -> None:
    model = school.learner(batches.vivid(lora_dropout=0.1))
    with pytest.raises(UsageError, match=r"lora_dropout 0.1, the recipe 'fast' has 0.0"):
        next(fit(model, school.lessons(model.config, 3), school.quick(), tmp_path))


def test_a_model_that_nothing_of_trains_is_a_sentence(tmp_path: Path) -> None:
    model = batches.build().requires_grad_(False)
    with pytest.raises(UsageError, match="make_trainable"):
        next(fit(model, school.lessons(model.config, 3), school.quick(), tmp_path))


def test_speeds_are_of_the_time_that_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("mercap.affectgpt.training.meter.time.perf_counter", lambda: 10.0 * next(clock))
    model = school.learner()
    options = school.quick(steps=4, log_every=2, prefetch=0, peak_tflops=1e-6)
    events = steps(list(fit(model, school.lessons(model.config, 12), options, tmp_path)))
    for one, other in (events[:2], events[2:]):
        assert one.tokens_per_s == other.tokens_per_s
        seconds = (one.tokens + other.tokens) / one.tokens_per_s  # type: ignore[operator]
        assert seconds == pytest.approx(50, rel=1e-3)  # two waits, each looked at twice, and the end
        assert one.clips_per_s == pytest.approx((one.clips + other.clips) / seconds, rel=1e-3)  # type: ignore[operator]
        assert one.waiting == pytest.approx(20 / 50)
        work = loop.Meter.__init__.__globals__["count_work"](model)
        needed = work.flops(one.tokens + other.tokens, one.supervised + other.supervised)  # type: ignore[operator]
        assert one.mfu == pytest.approx(needed / (50 * 1e6), rel=1e-3)
        assert one.memory_gb is not None
        assert one.memory_gb > 0.05
