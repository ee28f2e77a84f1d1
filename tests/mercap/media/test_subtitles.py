from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.errors import CellFailure
from mercap.media.subtitles import SIZE_MAX, guess_language, parse_subtitle, read_subtitle

SRT = "1\n00:00:00,500 --> 00:00:02,000\nI never wanted\nthis.\n\n2\n00:00:02,000 --> 00:00:03,250\nGo away!\n"


def texts(subtitle: str) -> list[str]:
    return [segment.text for segment in parse_subtitle(subtitle, "x.srt", 5.0)]


def test_srt_gives_times_and_joined_lines() -> None:
    first, second = parse_subtitle(SRT, "x.srt")
    assert (first.start_s, first.end_s, first.text) == (0.5, 2.0, "I never wanted this.")
    assert (second.start_s, second.end_s, second.text) == (2.0, 3.25, "Go away!")


@pytest.mark.parametrize(
    "variant",
    [
        "\ufeff" + SRT,
        SRT.replace("\n", "\r\n"),
        SRT.replace("\n", "\r"),
        SRT.replace("\n\n", "\n"),  # no blank line between cues
        SRT.replace("1\n0", "0", 1).replace("2\n00", "00"),  # no numbers
        SRT.replace(",", "."),
        SRT.replace("00:00:0", "00:0"),  # hours left out
        SRT.replace("-->", "->"),
        "WEBVTT - made by hand\n\nNOTE a comment\n\n" + SRT.replace(",", "."),
    ],
)
def test_variants_of_the_same_subtitle_read_the_same(variant: str) -> None:
    assert parse_subtitle(variant, "x.srt") == parse_subtitle(SRT, "x.srt")


def test_markup_is_stripped_and_entities_are_read() -> None:
    marked = "1\n00:01 --> 00:02\n{\\an8}<i>Oh</i> <v Ann>no &amp; <00:01.500>yes <3"
    assert texts(marked) == ["Oh no & yes <3"]


def test_comments_styles_and_names_of_webvtt_are_not_words() -> None:
    text = (
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.000 align:start\nHello\n\n"
        "NOTE secret\nmore\n\nsecond\n00:03.000 --> 00:04.000\nBye"
    )
    assert texts(text) == ["Hello", "Bye"]


def test_overlapping_and_unordered_lines_are_kept_in_order_of_their_start() -> None:
    assert texts("1\n00:03 --> 00:05\nlater\n\n2\n00:01 --> 00:04\nsooner") == ["sooner", "later"]


def test_plain_text_is_one_segment_of_the_whole_clip() -> None:
    (segment,) = parse_subtitle("  You did this?\nReally? ", "text", duration_s=4.5)
    assert (segment.start_s, segment.end_s, segment.text) == (0.0, 4.5, "You did this? Really?")


def test_a_subtitle_without_words_has_no_segments() -> None:
    assert [texts(empty) for empty in ("", "WEBVTT\n", "1\n00:01 --> 00:02\n<i></i>\n")] == [[], [], []]


@pytest.mark.parametrize(
    "bad",
    ["a\0b", "1\n00:99:00 --> 00:99:01\nHi", "1\n00:05 --> 00:01\nbackwards", "\x01\x02\x03\x04 binary"],
)
def test_what_cannot_be_a_subtitle_is_refused_in_one_sentence(bad: str) -> None:
    with pytest.raises(CellFailure) as caught:
        parse_subtitle(bad, "x.srt")
    assert caught.value.cause == "bad_subtitle"


@pytest.mark.parametrize("data", [b"\xff\xfeH\x00i\x00", b"caf\xe9", b"a\0b", b"x" * (SIZE_MAX + 1)])
def test_bytes_that_are_no_utf8_text_or_too_many_are_refused(data: bytes) -> None:
    with pytest.raises(CellFailure) as caught:
        read_subtitle(data)
    assert caught.value.cause == "bad_subtitle"


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_subtitle(b"\xef\xbb\xbfhello") == "hello"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我很高兴。", "zh"),
        ("I am glad.", "en"),
        ("他说 OK 了", "zh"),
        ("He said 好 to everybody", "en"),
        ("1234 !?", None),
        ("", None),
    ],
)
def test_language_is_guessed_by_script(text: str, language: str | None) -> None:
    assert guess_language(text) == language


LINES = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"\d{1,3}:\d{2}:\d{2}[,.]\d{1,3} --> \d{1,3}:\d{2}:\d{2}[,.]\d{1,3}", fullmatch=True),
    st.from_regex(r"[0-5]\d:[0-5]\d --> [0-5]\d:[0-5]\d", fullmatch=True),
    st.sampled_from(["", "1", "WEBVTT", "NOTE x", "STYLE", "{\\an8}", "<i>a</i>", "-->", "&#0;"]),
)


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_text_parses_to_forward_times_or_is_refused(lines: list[str], line_end: str) -> None:
    try:
        segments = parse_subtitle(line_end.join(lines), "x.srt", 3.0)
    except CellFailure as failure:
        assert failure.cause == "bad_subtitle"  # noqa: PT017 - either outcome is lawful
        return
    for segment in segments:
        assert 0 <= segment.start_s <= segment.end_s
        assert segment.text == " ".join(segment.text.split()) != ""
    assert list(segments) == sorted(segments, key=lambda segment: segment.start_s)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_utf8_or_refused(data: bytes) -> None:
    try:
        text = read_subtitle(data)
    except CellFailure as failure:
        assert failure.cause == "bad_subtitle"  # noqa: PT017 - either outcome is lawful
    else:
        assert text == data.decode("utf-8-sig")
