from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.affectgpt.example import Example
from mercap.affectgpt.leakage import BenchmarkSet, Leak, find_leaks, plain_name

TEST = BenchmarkSet("mer2024", frozenset({"samplenew3_00113347"}), frozenset({"c" * 64}))


def example(name: str, clip: str = "a" * 64) -> Example:
    return Example(clip, name, "", "d", ())


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("video/Sample_01.MP4", "sample_01"),
        ("sample_01", "sample_01"),
        ("C:\\clips\\a.wav", "a"),
        ("v1.2_take", "v1.2_take"),
        ("a.b.mp4", "a.b"),
    ],
)
def test_names_are_compared_without_folder_suffix_and_case(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(st.text())
def test_a_plain_name_has_no_folder_and_stays_as_it_is_without_suffix(name: str) -> None:
    assert "/" not in plain_name(name)


def test_a_clip_is_found_by_its_name() -> None:
    assert find_leaks([example("x/SampleNew3_00113347.mp4"), example("other")], {}, [TEST]) == [
        Leak("x/SampleNew3_00113347.mp4", "mer2024", "name")
    ]


def test_a_clip_is_found_by_any_of_its_names() -> None:
    names = {"a" * 64: ("mine", "samplenew3_00113347")}
    assert [leak.by for leak in find_leaks([example("mine")], names, [TEST])] == ["name"]


def test_a_clip_under_another_name_is_found_by_its_content() -> None:
    assert find_leaks([example("renamed", "c" * 64)], {}, [TEST]) == [Leak("renamed", "mer2024", "content")]


def test_a_name_that_only_resembles_one_is_no_leak() -> None:
    assert find_leaks([example("samplenew3_001133470"), example("samplenew3_0011334")], {}, [TEST]) == []
