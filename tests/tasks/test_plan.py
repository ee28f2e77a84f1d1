from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
import pytest

import tasks.plan
from mercap.identity import cell_id, digest_text
from mercap.recipe import load_recipe
from mercap.spool import blocks
from storage.cells import CODES, STATUSES
from storage.schema import Status
from storage.store import Store
from tasks.clips import Clip
from tasks.plan import Plan, Shards, StageState, open_index, stage_state

CLIPS = sorted(
    Clip(digest_text(f"clip {number}"), f"{number}.mp4", 1, 1, f"{number}", words, words and digest_text(words))
    for number, words in enumerate([None, "Yes.", None, "No.", "Yes.", None, None])
)


@pytest.fixture
def plan() -> Plan:
    return Plan(load_recipe("embedded"), CLIPS)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_shards_hold_every_missing_cell_once_and_in_order(plan: Plan, size: int) -> None:
    places = [0, 2, 3, 5, 6]
    shards = Shards(plan, "merge", places, size)
    assert [spec for shard in shards for spec in shard] == plan.specs("merge", places)
    assert len(shards) == -(-len(places) // size)
    assert all(len(shard) == size for shard in shards[:-1])


def test_no_missing_cell_is_no_shard(plan: Plan) -> None:
    assert list(Shards(plan, "merge", [], 5)) == []
    assert plan.specs("merge", []) == []


def test_a_cell_id_follows_from_the_stage_and_what_it_reads(plan: Plan) -> None:
    for key in plan.stages:
        for place, spec in enumerate(plan.specs(key, range(len(CLIPS)))):
            assert spec.cell_id == plan.ids(key)[place] == cell_id(key, spec.stage.config_digest, spec.inputs)
            assert (spec.clip, spec.place) == (CLIPS[place], place)
            raw = {"media": CLIPS[place].digest, "subtitle": CLIPS[place].subtitle_digest}
            assert list(spec.inputs) == [raw.get(name) or plan.ids(name)[place] for name in spec.stage.inputs]


def test_supplied_words_replace_the_recogniser_clip_by_clip(plan: Plan) -> None:
    specs = plan.specs("transcribe", range(len(CLIPS)))
    assert [spec.stage.config["backend"] == "supplied" for spec in specs] == [bool(clip.subtitle) for clip in CLIPS]
    assert [plan.stage("transcribe", clip) for clip in CLIPS] == [spec.stage for spec in specs]


@pytest.mark.parametrize("block", [2, 3, 1000])
def test_a_plan_does_not_depend_on_how_many_clips_are_worked_on_at_once(
    plan: Plan, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.plan, "blocks", lambda length: blocks(length, block))
    other = Plan(load_recipe("embedded"), CLIPS)
    assert [list(other.ids(key)) for key in plan.stages] == [list(plan.ids(key)) for key in plan.stages]


def test_a_cell_whose_input_failed_is_blocked_and_supplied_words_wait_for_no_speech(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.plan, "blocks", lambda length: blocks(length, 2))
    cells = open_index(Store.create(tmp_path / "store"), plan)
    ingest = stage_state(plan, "ingest", cells, {})
    assert ingest.missing.tolist() == list(range(len(CLIPS)))
    done = np.full(len(CLIPS), CODES[Status.OK], np.uint8)
    all_failed = np.full(len(CLIPS), CODES[Status.QUARANTINED], np.uint8)
    states = {"ingest": ingest._replace(codes=done), "diarize": StageState("diarize", all_failed, array("q"))}
    found = stage_state(plan, "transcribe", cells, states)
    assert [STATUSES[code] for code in found.codes] == ["pending" if clip.subtitle else "blocked" for clip in CLIPS]
    assert found.missing.tolist() == [place for place, clip in enumerate(CLIPS) if clip.subtitle]
    assert found.count(Status.BLOCKED) == sum(clip.subtitle is None for clip in CLIPS)
