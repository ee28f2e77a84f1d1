"""`mercap train` and `mercap infer` over a store, with the tiny preset and numbers at random for features."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from flows.inference import infer_clip, infer_store  # noqa: E402
from flows.training import NOT_CHECKED, train_model  # noqa: E402
from flows.training_options import InferRequest  # noqa: E402
from mercap.affectgpt.record import load_trained  # noqa: E402
from mercap.errors import ExitCode, StoreError, UsageError  # noqa: E402
from storage.store import Store  # noqa: E402
from tests.flows.trained import STEPS, annotate, annotated, draw_features, request  # noqa: E402
from tests.lab import Lab  # noqa: E402
from tests.mercap.affectgpt.test_released import published_shapes  # noqa: E402


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = annotated(tmp_path_factory.mktemp("training"))
    draw_features(Store.open(made.store), voiceless=("clip03",))
    return made


@pytest.fixture(scope="module")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    report = train_model(request(lab, out), lambda _event: None)
    assert (report.exit_code, report.step, report.examples) == (ExitCode.DONE, STEPS, 3)
    assert report.left_out == {"no_audio": 1}
    assert report.caveats == (NOT_CHECKED,)
    return out


def asked(run: Path, lab: Lab, out: Path, **changes: Any) -> InferRequest:
    plain: dict[str, Any] = {"store": str(lab.store), "out": str(out), "max_new_tokens": 6, "device": "cpu"}
    return InferRequest(model=str(run), **(plain | changes))


def answers(path: Path) -> dict[str, str]:
    return {row["name"]: row["response"] for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


# --- training ----------------------------------------------------------------------------------------------------
def test_a_run_leaves_what_is_needed_to_use_it_and_to_tell_its_origin(run: Path, lab: Lab) -> None:
    record = json.loads((run / "run.json").read_text())
    assert record["preset"] == "tiny"
    assert record["encoders"]["face"]["kind"] == "clip_rows"
    assert record["data"]["origin"] == "captions of snapshot 1 (scripted)"
    assert record["training"]["seed"] == 1
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [one["step"] for one in events if one["kind"] == "step"] == list(range(1, STEPS + 1))
    assert [one.suffix for one in (run / "tensorboard").iterdir()] != []
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "adapter" / "adapter_model.safetensors").is_file()


def test_a_run_that_was_stopped_goes_on_to_the_same_end(run: Path, lab: Lab, tmp_path: Path) -> None:
    stop = threading.Event()
    first = train_model(request(lab, tmp_path / "b"), lambda event: stop.set() if event.step >= 2 else None, stop)
    assert first.exit_code == ExitCode.INTERRUPTED
    assert 2 <= first.step < STEPS
    second = train_model(request(lab, tmp_path / "b"), lambda _event: None)
    assert second.step == STEPS
    last = f"checkpoints/step-{STEPS:09d}.safetensors"
    assert (tmp_path / "b" / last).read_bytes() == (run / last).read_bytes()


def test_a_run_in_a_folder_of_another_run_is_refused_and_leaves_it_alone(run: Path, lab: Lab) -> None:
    before = (run / "run.json").read_bytes()
    with pytest.raises(UsageError, match="holds a run with another options.seed"):
        train_model(request(lab, run, training={"seed": 2}), lambda _event: None)
    assert (run / "run.json").read_bytes() == before


def test_a_second_stage_begins_with_the_weights_of_the_first(run: Path, lab: Lab, tmp_path: Path) -> None:
    losses: list[float] = []
    staged = request(lab, tmp_path / "fine", start=str(run), training={"steps": 1})
    train_model(staged, lambda event: losses.append(event.loss) if event.loss else None)
    fresh: list[float] = []
    train_model(
        request(lab, tmp_path / "new", training={"steps": 1}),
        lambda event: fresh.append(event.loss) if event.loss else None,
    )
    assert losses[0] < fresh[0]


def test_published_weights_are_a_beginning_too(lab: Lab, tmp_path: Path) -> None:
    """Under the published names, in the sizes of the tiny preset."""
    shapes = published_shapes(hidden=64, inner=128, layers=2, keys=32, rank=4, face=256, voice=128)
    weights = {name: torch.randn(shape) * 0.02 for name, shape in shapes.items() if not name.startswith("image_")}
    released = tmp_path / "checkpoint.pth"
    torch.save({"model": weights}, released)
    wanted = request(lab, tmp_path / "run", start=str(released), training={"steps": 1, "lr": 1e-9})
    train_model(wanted, lambda _event: None)
    found = load_trained(tmp_path / "run", torch.device("cpu")).model.bridge.fusion.mix.weight
    assert torch.allclose(found, weights["attention_mlp.weight"], atol=1e-6)
    torch.save({"model": {"other": torch.zeros(1)}}, released)
    with pytest.raises(UsageError, match="does not fit the model"):
        train_model(wanted.model_copy(update={"out": str(tmp_path / "again")}), lambda _event: None)


def test_clips_that_were_never_encoded_stop_the_run_before_it_starts(tmp_path: Path) -> None:
    lab = annotated(tmp_path, 2)
    draw_features(Store.open(lab.store), leave=("clip01",))
    with pytest.raises(UsageError, match=r"1 of 2 clips have no features, the first is 'clip01'; run mercap features"):
        train_model(request(lab, tmp_path / "run"), lambda _event: None)


def test_a_store_without_features_says_what_to_run(tmp_path: Path) -> None:
    lab = annotated(tmp_path, 1)
    with pytest.raises(UsageError, match="mercap features SOURCE --store"):
        train_model(request(lab, tmp_path / "run"), lambda _event: None)


def test_what_is_in_a_test_set_is_not_trained_on(lab: Lab, tmp_path: Path) -> None:
    gold = tmp_path / "gold"
    gold.mkdir()
    (gold / "mer2023.csv").write_text("name,label\nclip00,happy\n")
    with pytest.raises(
        UsageError, match=r"1 of 4 examples are in a test set, the first is 'clip00' in mer2023 by name"
    ):
        train_model(request(lab, tmp_path / "a", benchmark_labels=str(gold)), lambda _event: None)
    checked = request(
        lab, tmp_path / "a", benchmark_labels=str(gold), benchmark_clips=(str(lab.clips / "clip01*"),), drop_leaked=True
    )
    report = train_model(checked, lambda _event: None)
    assert (report.examples, report.leaks, report.caveats) == (1, 2, ())


def test_fields_of_one_recipe_are_refused_with_the_other(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pack_tokens belongs to the recipe 'fast'"):
        train_model(request(lab, tmp_path / "a", recipe="paper"), lambda _event: None)


def test_features_of_another_preset_are_asked_for_by_the_command_that_makes_them(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no face features of blip2"):
        train_model(request(lab, tmp_path / "a", preset="affectgpt_2024"), lambda _event: None)


# --- asking ------------------------------------------------------------------------------------------------------
def test_every_clip_with_features_is_answered_and_the_others_are_told(run: Path, lab: Lab, tmp_path: Path) -> None:
    report = infer_store(asked(run, lab, tmp_path / "a.jsonl"), lambda _progress: None)
    assert (report.step, report.clips, report.asked, report.left_out) == (STEPS, 3, 3, {"no_audio": 1})
    assert set(answers(tmp_path / "a.jsonl")) == {"clip00", "clip01", "clip02"}


def test_asking_is_gone_on_with_and_batches_do_not_matter(run: Path, lab: Lab, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    infer_store(asked(run, lab, whole, batch=3), lambda _progress: None)
    part.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:1]))
    report = infer_store(asked(run, lab, part, batch=1), lambda _progress: None)
    assert (report.clips, report.asked) == (3, 2)
    assert answers(part) == answers(whole)


def test_a_clip_under_two_names_is_asked_once_and_answered_under_both(run: Path, tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_recipe()
    lab.fill(1)
    (lab.clips / "again.mp4").write_bytes((lab.clips / "clip00.mp4").read_bytes())
    annotate(lab)
    draw_features(Store.open(lab.store))
    out = tmp_path / "a.jsonl"
    assert infer_store(asked(run, lab, out), lambda _progress: None).asked == 1
    whole = out.read_bytes()
    assert set(answers(out)) == {"again", "clip00"}
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[:1]))  # killed between the two
    infer_store(asked(run, lab, out), lambda _progress: None)
    assert out.read_bytes() == whole


def test_another_checkpoint_or_question_needs_another_file(run: Path, lab: Lab, tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    infer_store(asked(run, lab, out), lambda _progress: None)
    for change in ({"step": 4}, {"target": "description"}, {"seed": 1, "batch": 1}):
        with pytest.raises(UsageError, match="give another file"):
            infer_store(asked(run, lab, out, **change), lambda _progress: None)


def test_one_clip_by_hand_is_decoded_and_encoded_on_the_way(run: Path, lab: Lab) -> None:
    with pytest.raises(UsageError, match="clip00.mp4 cannot be answered"):  # noise shows no face
        infer_clip(asked(run, lab, Path("unused")), lab.clips / "clip00.mp4", "hello")


def test_another_language_model_than_the_one_trained_on_is_refused(run: Path, lab: Lab, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    other = tmp_path / "run"
    shutil.copytree(run, other)
    weights = load_file(other / "language_model" / "model.safetensors")
    save_file(
        {name: value + 1 for name, value in weights.items()},
        other / "language_model" / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(UsageError, match="is not the one that .* was trained on"):
        infer_store(asked(other, lab, tmp_path / "a.jsonl"), lambda _progress: None)


def test_a_folder_that_is_no_run_is_named(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the folder of a training run"):
        infer_store(asked(tmp_path, lab, tmp_path / "a.jsonl"), lambda _progress: None)


def test_a_damaged_checkpoint_is_named(run: Path, lab: Lab, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "run"
    shutil.copytree(run, other)
    file = other / "checkpoints" / f"step-{STEPS:09d}.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(StoreError, match="damaged"):
        infer_store(asked(other, lab, tmp_path / "a.jsonl", step=STEPS), lambda _progress: None)
