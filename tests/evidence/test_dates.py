"""Dates as people write them: what they span and leave open, and the offset that they gave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import dates

DAY_END = (23, 59, 59, 999999)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2025", (2025, 1, 1), (2025, 12, 31)),
        ("2025-01", (2025, 1, 1), (2025, 1, 31)),
        ("2024-02", (2024, 2, 1), (2024, 2, 29)),
        ("2025-01-11", (2025, 1, 11), (2025, 1, 11)),
        ("202X", (2020, 1, 1), (2029, 12, 31)),
        ("2025-01-XX", (2025, 1, 1), (2025, 1, 31)),
        ("2024-23", (2024, 9, 1), (2024, 11, 30)),
        ("2025-01-09/2025-01-11", (2025, 1, 9), (2025, 1, 11)),
        ("2024/2025-01", (2024, 1, 1), (2025, 1, 31)),
        (" 2025-01-11 ", (2025, 1, 11), (2025, 1, 11)),
    ],
)
def test_a_date_spans_what_it_leaves_open(
    text: str, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    found = dates.read(text)
    assert found.earliest == datetime(*first, tzinfo=UTC)
    assert found.latest == datetime(*last, *DAY_END, tzinfo=UTC)
    assert not found.is_zoned
    assert not found.in_utc  # nobody said in which zone
    assert found.text == text.strip()


def test_an_end_may_be_open() -> None:
    begun, ended = dates.read("2025-01-09/.."), dates.read("/2025-01-11")
    assert begun.earliest == datetime(2025, 1, 9, tzinfo=UTC)
    assert begun.latest is None
    assert ended.earliest is None
    assert ended.latest == datetime(2025, 1, 11, *DAY_END, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "uncertain", "approximate", "words"),
    [
        ("2025-01?", True, False, "not sure"),
        ("2025-01~", False, True, "about"),
        ("2025-01-09?/2025-01-11~", True, True, "not sure, about"),
        ("2025-01", False, False, ""),
    ],
)
def test_doubts_are_kept(text: str, uncertain: bool, approximate: bool, words: str) -> None:
    found = dates.read(text)
    assert (found.is_uncertain, found.is_approximate, found.doubts) == (
        uncertain,
        approximate,
        words,
    )


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001 - local times
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_keeps_the_offset_that_it_came_with(local: datetime, minutes: int) -> None:
    at = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = dates.read(at.isoformat())
    assert found.text == at.isoformat()
    assert found.is_instant
    assert found.earliest == at
    assert found.in_utc == f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def test_a_time_without_a_zone_is_given_none() -> None:
    found = dates.read("2025-01-11T18:00")
    assert not found.is_zoned
    assert not found.is_instant
    assert not found.in_utc


def test_times_may_be_the_ends_of_a_stretch() -> None:
    found = dates.read("2025-01-11T18:00+02:00/2025-01-11T19:30+02:00")
    assert found.in_utc == "2025-01-11 16:00 UTC to 2025-01-11 17:30 UTC"


@pytest.mark.parametrize(
    "text",
    ["", " ", "hello", "2025-13", "2025-02-30", "11.01.2025", "2025-01-11T25:00", "../..", "/",
     "2025-01-11/2025-01-09", "2025-01-1X/", "Y-17000", "2025-01-11T18:00+99:00", "9" * 61,
     "[2025-01-09,2025-01-11", "\0", "0000"],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(dates.UnreadableDateError, match=r"Write a date as|ends before it begins"):
        dates.read(text)
    assert dates.read_or_none(text) is None


@given(st.text(alphabet="0123456789-T:+Z/.~?%XY[]{}, ", max_size=30))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    found = dates.read_or_none(text)
    assert found is None or found.text == text.strip()


@pytest.mark.parametrize(
    ("text", "words"), [("2024-23", "autumn 2024"), ("2024-21", "spring 2024"), ("2024-12", "")]
)
def test_a_season_is_told_in_words(text: str, words: str) -> None:
    assert dates.read(text).season == words
