"""The lmms-eval task folder: its YAML files against the format of lmms-eval 0.7, its functions against mercap's scorer.

The last test runs lmms-eval itself, in a process of its own: with the Python that MERCAP_LMMS_EVAL_PYTHON names, whose
environment needs lmms-eval and python-calamine, else with this one if lmms-eval is installed in it.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
import math
import os
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from mercap.errors import UsageError
from mercap.unibench.datasets import DATASETS
from mercap.unibench.files import read_answers, read_gold
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.score import score_files
from mercap.unibench.scoring import Setting
from mercap.vocabulary import kept
from tests.lab import ROOT
from tests.official_tables import write_tables

FOLDER = ROOT / "integrations" / "lmms_eval" / "mer_unibench"
YAML_FILES = sorted(FOLDER.glob("*.yaml"))
GROUP = "mer_unibench"

# What lmms-eval 0.7.3 knows: the fields of its TaskConfig, GroupConfig and AggMetricConfig.
KNOWN_TO_TASKS = """
    task task_alias tag group group_alias dataset_path dataset_name dataset_kwargs training_split validation_split
    test_split fewshot_split full_docs process_results_use_image process_docs doc_to_visual doc_to_text doc_to_target
    doc_to_choice doc_to_messages process_results use_prompt description target_delimiter fewshot_delimiter
    fewshot_config num_fewshot metric_list output_type generation_kwargs repeats filter_list should_decontaminate
    doc_to_decontamination_query cluster_key score_key metadata lmms_eval_specific_kwargs
    model_specific_generation_kwargs model_specific_target_kwargs reasoning_tags auto_strip_thinking
"""
KNOWN_TO_GROUPS = {"group", "group_alias", "task", "aggregate_metric_list", "metadata"}
KNOWN_TO_GROUP_METRICS = {"metric", "aggregation", "weight_by_size", "filter_list"}
METRIC_KEYS = {"metric", "aggregation", "higher_is_better"}
FUNCTIONS = ("process_docs", "doc_to_visual", "doc_to_text", "doc_to_target", "process_results")

# Clip -> gold, in words and numbers that the small tables of the tests know.
DISCRETE = {"dia1_utt0": "happy", "dia1_utt1": "sad", "dia2_utt0": "angry", "dia3_utt0": "neutral"}
SENTIMENTS = {"video_0001_1": 0.4, "video_0001_2": -1.0, "video_0002_1": 0.0, "video_0003_1": 0.8}
OV = {"sample_1": "happy, sad", "sample_2": "angry", "sample_3": "neutral", "sample_4": "joyful"}
GOLD: dict[Task, dict[str, Any]] = {Task.DISCRETE: DISCRETE, Task.SENTIMENT: SENTIMENTS, Task.OV: OV}
PERFECT: dict[Task, Callable[[Any], str]] = {
    Task.DISCRETE: lambda gold: f"The character's emotional state is {gold}.",
    Task.SENTIMENT: lambda gold: "Positive." if gold > 0 else "Negative." if gold < 0 else "neutral",
    Task.OV: lambda gold: f"The character's emotional state is {gold}.",
}
# One answer per clip: some right, some partly, some not, and what is read in them.
MIXED = {
    Task.DISCRETE: ("joyful and mad", "Happy.", "furious, tables", ""),
    Task.SENTIMENT: ("positive", "It is positive.", "either positive or negative", "Positive"),
    Task.OV: ("happy", "Angry, hostile", "calm", "lonely"),
}
READ: dict[Task, tuple[Any, ...]] = {
    Task.DISCRETE: (["joyful", "mad"], ["happy"], ["furious", "tables"], []),
    Task.SENTIMENT: ("positive", "positive", "", "positive"),
    Task.OV: (["happy"], ["angry", "hostile"], ["calm"], ["lonely"]),
}


class Docs:
    """As much of a Hugging Face dataset as the folder uses."""

    def __init__(self, rows: list[dict[str, Any]], split: str = "") -> None:
        self.rows, self.split = rows, split

    @classmethod
    def from_list(cls, rows: list[dict[str, Any]]) -> Docs:
        return cls(rows)


def function(name: str) -> Any:
    """What `!function name` stands for, found as lmms-eval finds it: in a file beside the YAML, loaded by its path."""
    module, _, attribute = name.rpartition(".")
    return getattr(module_of(FOLDER / f"{module}.py"), attribute)


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Loader(yaml.SafeLoader):
    pass


def construct(_: Loader, node: yaml.Node) -> Any:
    return function(node.value)


Loader.add_constructor("!function", construct)


def config(path: Path) -> dict[str, Any]:
    """A YAML file with what it includes; its own keys win."""
    own = yaml.load(path.read_text(encoding="utf-8"), Loader)
    included = config(path.parent / own.pop("include")) if "include" in own else {}
    return {**included, **own}


def task_config(name: str) -> dict[str, Any]:
    return config(FOLDER / f"{GROUP}_{name}.yaml")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """All nine datasets in our own layout, four clips each, and the tables; the environment names both."""
    folder = tmp_path / "clips"
    for name, dataset in DATASETS.items():
        gold = GOLD[dataset.task]
        column = "openset" if dataset.task is Task.OV else "label"
        write_csv(folder / f"{name}.csv", ("name", column), gold.items())
        (folder / name / "video").mkdir(parents=True)
        for clip in gold:
            (folder / name / "video" / f"{clip}.mp4").touch()
    monkeypatch.setenv("MERCAP_UNIBENCH", str(folder))
    monkeypatch.setenv("MERCAP_TABLES", str(write_tables(tmp_path / "tables")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kept.load_groups.cache_clear()
    yield folder
    kept.load_groups.cache_clear()


def write_csv(path: Path, header: tuple[str, ...], rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def docs_of(name: str) -> list[dict[str, Any]]:
    found: Docs = task_config(name)["process_docs"](Docs([], name))
    return found.rows


def scores(name: str, answer: Callable[[dict[str, Any]], str]) -> dict[str, float]:
    """Every metric of a task, through its YAML, as lmms-eval computes it."""
    task = task_config(name)
    results = [task["process_results"](doc, [answer(doc)]) for doc in docs_of(name)]
    return {one["metric"]: one["aggregation"]([row[one["metric"]] for row in results]) for one in task["metric_list"]}


def gold_of(doc: dict[str, Any]) -> Any:
    return GOLD[Task(doc["task"])][doc["name"]]


def perfect(doc: dict[str, Any]) -> str:
    return PERFECT[Task(doc["task"])](gold_of(doc))


def mixed(doc: dict[str, Any]) -> str:
    task = Task(doc["task"])
    return MIXED[task][list(GOLD[task]).index(doc["name"])]


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.stem)
def test_a_yaml_file_has_only_keys_that_lmms_eval_knows(path: Path) -> None:
    found = config(path)
    assert set(found) <= (KNOWN_TO_GROUPS if "group" in found else set(KNOWN_TO_TASKS.split()))
    assert all(set(one) == METRIC_KEYS for one in found.get("metric_list", ()))
    assert all(set(one) <= KNOWN_TO_GROUP_METRICS for one in found.get("aggregate_metric_list", ()))


def test_the_group_is_the_nine_datasets_in_the_papers_order() -> None:
    assert config(FOLDER / f"{GROUP}.yaml")["task"] == [f"{GROUP}_{name}" for name in DATASETS]
    assert {path.stem for path in YAML_FILES} == {GROUP, *(f"{GROUP}_{name}" for name in DATASETS)}


def test_the_group_averages_one_metric_that_every_task_has_and_no_other_name_contains() -> None:
    """lmms-eval finds the metrics of a group by substring."""
    (averaged,) = config(FOLDER / f"{GROUP}.yaml")["aggregate_metric_list"]
    for name in DATASETS:
        metrics = [one["metric"] for one in task_config(name)["metric_list"]]
        assert [metric for metric in metrics if averaged["metric"] in metric] == [averaged["metric"]]
    assert (averaged["aggregation"], averaged["weight_by_size"]) == ("mean", False)


@pytest.mark.parametrize("name", DATASETS)
def test_a_task_names_its_dataset_and_functions_that_exist(name: str) -> None:
    task = task_config(name)
    assert task["task"] == f"{GROUP}_{name}"
    assert task["test_split"] == name
    assert list(task["dataset_kwargs"]["data_files"]) == [name]
    assert (FOLDER / task["dataset_kwargs"]["data_files"][name]).is_file()
    assert all(callable(task[key]) for key in FUNCTIONS)
    assert all(callable(one["aggregation"]) for one in task["metric_list"])


@pytest.mark.parametrize("name", DATASETS)
def test_an_answer_names_exactly_the_metrics_of_its_task(name: str, root: Path) -> None:
    task = task_config(name)
    named = task["process_results"](docs_of(name)[0], [""])
    assert set(named) == {one["metric"] for one in task["metric_list"]}


@pytest.mark.parametrize("name", DATASETS)
def test_decoding_is_greedy(name: str) -> None:
    settings = task_config(name)["generation_kwargs"]
    assert (settings["do_sample"], settings["temperature"], settings["num_beams"]) == (False, 0, 1)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_the_folder_imports_mercap_numpy_and_the_standard_library_alone(path: Path) -> None:
    found = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [node.module or "" for node in found if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in found if isinstance(node, ast.Import) for alias in node.names]
    assert {name.partition(".")[0] for name in names} <= {"mercap", "numpy", *sys.stdlib_module_names}


@pytest.mark.parametrize("name", DATASETS)
def test_perfect_answers_score_1_in_every_metric(name: str, root: Path) -> None:
    assert set(scores(name, perfect).values()) == {1.0}


@pytest.mark.parametrize("name", ["meld", "cmumosi", "ovmerdplus"])
def test_the_scores_are_those_of_the_command_line(name: str, root: Path, tmp_path: Path) -> None:
    task = DATASETS[name].task
    predictions = tmp_path / "predictions.jsonl"
    field = "sentiment" if task is Task.SENTIMENT else "openset"
    rows = [{"name": clip, field: told} for clip, told in zip(GOLD[task], READ[task], strict=True)]
    predictions.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    found = scores(name, mixed)

    published = score_files(Setting(task), root / f"{name}.csv", predictions).scored["all"]
    corrected = Setting(task, Protocol.CORRECTED, resamples=0)
    other = score_files(corrected, root / f"{name}.csv", predictions).scored["all"]
    primary = Setting(task).metric.primary
    expected = {metric: float(published.scores[metric]) for metric in found if metric in published.scores}
    expected["primary"] = float(published.scores[primary])
    expected["corrected"] = float(other.scores[corrected.metric.primary])
    expected["interval_low"], expected["interval_high"] = published.intervals[primary] or (math.nan, math.nan)
    assert found == expected
    assert 0 < found["primary"] < 1


@pytest.mark.parametrize("name", ["mer2023", "meld", "cmumosi", "sims"])
def test_published_answers_get_published_scores(name: str, reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every checkpoint of the released predictions, aggregated as lmms-eval would, against the released scorer."""
    monkeypatch.setenv("MERCAP_TABLES", str(reference / "emotion_wheel_2025"))
    dataset = DATASETS[name]
    gold = read_gold(reference / "gold_test_labels" / f"{name}.csv", dataset.task)
    known: dict[str, Any] = gold.values if dataset.task is Task.SENTIMENT else gold.labels
    published = json.loads((reference / "parity" / "expected_scores.json").read_text(encoding="utf-8"))
    expected = (
        {epoch: one["waf"] for epoch, one in published["dimension"][name].items()}
        if dataset.task is Task.SENTIMENT
        else {epoch: one["2025"]["hit_rate"] for epoch, one in published["discrete"][name].items()}
    )
    epochs = read_answers(reference / "affectgpt_outputs" / f"{name}.jsonl.gz", dataset.task)
    primary = function("answers.primary")
    found = {
        epoch: primary(
            [
                {"task": str(dataset.task), "name": clip, "gold": known[clip], "answer": given[clip]}
                for clip in gold.names
            ]
        )
        for epoch, given in epochs.items()
    }
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("response", "word"),
    [
        ("Positive.", "positive"),
        ("The sentiment is NEGATIVE", "negative"),
        ("**neutral**", "neutral"),
        ("positive, negative or neutral", ""),
        ("positively", ""),
        ("", ""),
    ],
)
def test_a_sentiment_is_the_one_word_of_three_that_is_named(response: str, word: str) -> None:
    assert function("answers.sentiment")(response) == word


def test_the_question_fits_the_task_and_quotes_the_subtitle(root: Path) -> None:
    write_csv(root / "meld" / "subtitles.csv", ("name", "subtitle"), [("dia1_utt0", "Oh, great!")])
    question = function("answers.question")
    said, silent = docs_of("meld")[:2]
    assert question(said, {}) == f'The words spoken in this clip are: "Oh, great!"\n{question(silent)}'
    assert "emotions" in question(silent)
    assert "positive, negative or neutral" in question(docs_of("sims")[0])


def test_a_model_is_given_the_video_and_models_that_only_hear_the_sound(root: Path) -> None:
    write_sound(root / "meld" / "audio" / "dia1_utt0.wav")
    doc, kinds = docs_of("meld")[0], task_config("meld")["lmms_eval_specific_kwargs"]
    media = function("clips.media")
    assert media(doc, kinds["default"]) == [str(root / "meld" / "video" / "dia1_utt0.mp4")]
    (sound,) = media(doc, kinds["qwen2_audio"])
    assert (sound["type"], sound["sampling_rate"], sound["array"].dtype) == ("audio", 16_000, np.float32)
    np.testing.assert_array_equal(sound["array"], np.array([0.5, -0.25], np.float32))  # the mean of two channels


def test_the_release_is_found_in_its_own_folders(root: Path) -> None:
    (root / "meld").rename(root / "meld-process")
    (root / "meld-process" / "video").rename(root / "meld-process" / "subvideo")
    rows = [("dia1_utt0", "zh", "Oh, great!")]
    write_csv(root / "meld-process" / "transcription-engchi-polish.csv", ("name", "chinese", "english"), rows)
    doc = docs_of("meld")[0]
    assert (doc["video"], doc["said"]) == (str(root / "meld-process" / "subvideo" / "dia1_utt0.mp4"), "Oh, great!")


def test_what_scoring_needs_is_missed_before_anything_is_generated(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MERCAP_TABLES")
    with pytest.raises(UsageError, match="MERCAP_TABLES"):
        docs_of("meld")
    assert len(docs_of("cmumosi")) == 4  # sentiment needs no tables
    monkeypatch.delenv("MERCAP_UNIBENCH")
    with pytest.raises(UsageError, match="MERCAP_UNIBENCH is not set"):
        docs_of("cmumosi")


def test_a_clip_without_media_is_named(root: Path) -> None:
    (root / "meld" / "video" / "dia2_utt0.mp4").unlink()
    with pytest.raises(UsageError, match=r"neither video/dia2_utt0.mp4 nor audio/dia2_utt0.wav; 1 of 4 clips"):
        docs_of("meld")


def test_a_model_that_only_hears_is_told_of_a_clip_without_sound(root: Path) -> None:
    with pytest.raises(UsageError, match="needs the audio of 'dia1_utt0'"):
        function("clips.media")(docs_of("meld")[0], {"media": ["audio"]})


def test_a_file_that_is_no_wav_of_16_bits_is_named(root: Path) -> None:
    broken = root / "broken.wav"
    broken.write_bytes(b"RIFF")
    write_sound(root / "narrow.wav", width=1)
    media = function("clips.media")
    with pytest.raises(UsageError, match=r"broken.wav cannot be read as WAV"):
        media({"audio": str(broken)}, {"media": ["audio"]})
    with pytest.raises(UsageError, match=r"narrow.wav has samples of 8 bits"):
        media({"audio": str(root / "narrow.wav")}, {"media": ["audio"]})


def write_sound(path: Path, width: int = 2) -> None:
    """Two samples of two channels at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(width)
        file.setframerate(16_000)
        samples = np.array([[16384, 16384], [0, -16384]], "<i2")
        file.writeframes(samples.tobytes() if width == 2 else bytes(4))


# lmms-eval's own loader, in a process of its own: it warns, logs and keeps state.
SCRIPT = """
import json, sys
from pathlib import Path
from lmms_eval import evaluator
from lmms_eval.tasks import TaskManager, get_task_dict

folder, answers, out = sys.argv[1:]
answers = json.loads(answers)
manager = TaskManager(include_path=folder, include_defaults=False, model_name="dummy")
found = {"groups": manager.all_groups, "subtasks": manager.all_subtasks, "metrics": {}}
((group, tasks),) = get_task_dict(["mer_unibench"], manager).items()
for name, task in tasks.items():
    docs = list(task.test_docs())
    rows = [task.process_results(doc, [answers[doc["name"]]]) for doc in docs]
    found["metrics"][name] = {
        metric: aggregation([row[metric] for row in rows]) for metric, aggregation in task.aggregation().items()
    }
(messages,) = get_task_dict(["mer_unibench_meld"], manager, "chat").values()
found["messages"] = messages.doc_to_messages(messages.test_docs()[0])
run = evaluator.simple_evaluate(
    model="dummy", model_args="response=happy", tasks=["mer_unibench"], task_manager=manager, batch_size=1
)
found["mean"] = run["results"]["mer_unibench"]["primary,none"]
found["each"] = [run["results"][name]["primary,none"] for name in tasks]
Path(out).write_text(json.dumps(found))
"""


def interpreter() -> str:
    given = os.environ.get("MERCAP_LMMS_EVAL_PYTHON", "")
    if not given and importlib.util.find_spec("lmms_eval") is None:
        pytest.skip("lmms-eval is not installed, and MERCAP_LMMS_EVAL_PYTHON names no Python that has it")
    return given or sys.executable


def test_lmms_eval_itself_loads_the_folder_and_scores_with_it(root: Path, tmp_path: Path) -> None:
    answers = {clip: PERFECT[task](gold) for task, golds in GOLD.items() for clip, gold in golds.items()}
    out = tmp_path / "found.json"
    done = subprocess.run(
        [interpreter(), "-c", SCRIPT, str(FOLDER.parent), json.dumps(answers), str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["groups"] == [GROUP]
    assert found["subtasks"] == sorted(f"{GROUP}_{name}" for name in DATASETS)
    assert set(found["metrics"]) == set(found["subtasks"])
    assert all(set(metrics.values()) == {1.0} for metrics in found["metrics"].values())
    assert [part["type"] for part in found["messages"][0]["content"]] == ["video", "text"]
    expected = [scores(name, lambda doc: "happy")["primary"] for name in DATASETS]
    assert sorted(found["each"]) == pytest.approx(sorted(expected))
    assert found["mean"] == pytest.approx(math.fsum(expected) / len(expected))
