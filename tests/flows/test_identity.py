"""What a change recomputes: exactly what the architecture says, and `plan` said so to the cell beforehand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ROOT, Lab, make_clip

ALL = {"ingest", "diarize", "transcribe", "measure", "describe_visual", "describe_audio", "merge", "label", "screen",
       "vote:words", "vote:face", "verdict"}  # fmt: skip
AFTER_TRANSCRIPT = {"transcribe", "merge", "label", "screen", "vote:words", "verdict"}
AFTER_MEASURE = {"measure", "describe_visual", "describe_audio", "merge", "label", "screen", "vote:face", "verdict"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which three clips, one with a subtitle, are finished."""
    lab = Lab(tmp_path_factory.mktemp("finished"))
    lab.fill(3)
    (lab.clips / "clip00.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nI am glad\n")
    lab.write_recipe(merge__prompt="merge/v1.en")
    lab.annotate()
    return lab.root


@pytest.fixture
def lab(finished: Path, tmp_path: Path) -> Lab:
    """A copy of the finished lab that a test may change. Clips keep their content, so their cells stand."""
    shutil.copytree(finished, tmp_path / "lab")
    made = Lab(tmp_path / "lab")
    made.write_recipe(merge__prompt="merge/v1.en")
    made.log.unlink(missing_ok=True)
    return made


def planned(lab: Lab) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "app",
        "plan",
        str(lab.clips),
        "--store",
        str(lab.store),
        "--recipe",
        str(lab.recipe),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return {row["stage_key"]: row for row in json.loads(done.stdout)["stages"]}


def changes(lab: Lab) -> dict[str, int]:
    """Run, and return the number of new cells by stage key, after checking that the plan named them all."""
    forecast = planned(lab)
    before = set(lab.cells())
    report = lab.annotate()
    new = set(lab.cells()) - before
    assert new == {identity for row in forecast.values() for identity in row["cells"]}
    computed = {key: count for key, count in report["computed"].items() if count}
    assert sum(computed.values()) == len(new)
    return computed


def test_a_second_run_computes_nothing(lab: Lab) -> None:
    snapshot = lab.annotate()["snapshot"]
    assert changes(lab) == {}
    assert lab.calls() == []
    assert lab.annotate()["snapshot"] == snapshot


def test_an_added_clip_computes_that_clip_only(lab: Lab) -> None:
    make_clip(lab.clips / "new.mp4", 77)
    assert changes(lab) == dict.fromkeys(ALL, 1)
    assert len({call["clip"] for call in lab.calls()}) == 1


def test_a_renamed_clip_computes_nothing(lab: Lab) -> None:
    (lab.clips / "clip01.mp4").rename(lab.clips / "renamed.mp4")
    assert changes(lab) == {}


def test_a_changed_prompt_computes_its_stage_and_what_hangs_below(lab: Lab) -> None:
    lab.write_recipe(merge__prompt="label/v1.en")
    assert "config: prompt, prompt_digest" in planned(lab)["merge"]["reasons"]
    assert changes(lab) == dict.fromkeys(("merge", "label", "screen", "verdict"), 3)
    assert lab.call_counts() == Counter(merge=3, label=3)


def test_a_changed_subtitle_touches_the_words_and_below_but_not_the_cues(lab: Lab) -> None:
    (lab.clips / "clip00.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nI am furious\n")
    assert planned(lab)["transcribe"]["reasons"] == {"input: subtitle": 1}
    assert changes(lab) == dict.fromkeys(AFTER_TRANSCRIPT, 1)


def test_a_recogniser_option_does_not_touch_a_clip_with_supplied_words(lab: Lab) -> None:
    lab.write_recipe(merge__prompt="merge/v1.en", transcribe__prompt="merge/v1.en")
    assert changes(lab) == dict.fromkeys(AFTER_TRANSCRIPT, 2)


def test_a_changed_frame_policy_touches_what_reads_frames_and_below(lab: Lab) -> None:
    lab.write_recipe(merge__prompt="merge/v1.en", media__frames__rate_hz=5)
    assert planned(lab)["measure"]["reasons"] == {"config: frames.rate_hz": 3}
    assert changes(lab) == dict.fromkeys(AFTER_MEASURE, 3)


def test_an_added_voter_computes_its_votes_and_the_verdicts(lab: Lab) -> None:
    lab.write_recipe(merge__prompt="merge/v1.en", voters=("words", "face", "voice"))
    assert changes(lab) == {"vote:voice": 3, "verdict": 3}
    assert lab.calls() == []


def test_what_changes_only_speed_or_place_computes_nothing(lab: Lab) -> None:
    lab.write_recipe(merge__prompt="merge/v1.en", merge__delay_s=0.01, limits__decode_seconds=50)
    assert changes(lab) == {}
    assert lab.annotate("--shard-size", "1", "--workers", "1")["computed_cells"] == 0


def test_old_cells_stay_and_count_again_when_the_recipe_comes_back(lab: Lab) -> None:
    before = lab.cells()
    lab.write_recipe(merge__prompt="label/v1.en")
    lab.annotate()
    lab.write_recipe(merge__prompt="merge/v1.en")
    assert changes(lab) == {}
    assert before.items() <= lab.cells().items()


def test_cells_do_not_depend_on_shards_or_on_the_other_clips(lab: Lab, tmp_path: Path) -> None:
    alone = Lab(tmp_path / "alone")
    alone.clips.mkdir(parents=True)
    shutil.copy(lab.clips / "clip02.mp4", alone.clips / "other_name.mp4")
    alone.write_recipe(merge__prompt="merge/v1.en")
    alone.annotate("--shard-size", "1")
    assert alone.cells().items() <= lab.cells().items()
