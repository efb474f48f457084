"""Happenings drawn on an axis of time: a lane for each kind of thing that is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from evidence.chronology import LANES, Happening

WIDE = 960  # of the drawing, in its own units
LEFT, TOP, LANE = 200, 26, 26  # room for the lanes' names, for the axis; height of a lane
#: Steps of the axis: the longest that leaves at least four marks is taken.
DAY = timedelta(days=1)
STEPS = (
    timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), DAY, 7 * DAY, 30 * DAY, 91 * DAY,
    365 * DAY, 1826 * DAY, 3652 * DAY, 36_525 * DAY,
)  # fmt: skip
LEAST = timedelta(hours=1)
#: What lies beyond is drawn at the edge: no calendar here has room around the first and last year.
EARLIEST, LATEST = (datetime(year, 1, 1, tzinfo=UTC) for year in (500, 9500))


def drawn(rows: Sequence[Happening]) -> dict[str, Any] | None:
    """Return the drawing of some happenings, ready to be written as SVG; None of nothing."""
    ends = [end for row in rows for end in (row.when.earliest, row.when.latest) if end]
    ends = [min(max(end, EARLIEST), LATEST) for end in ends]
    if not ends:
        return None
    first, last = min(ends), max(ends)
    room = max((last - first) * 0.04, LEAST)
    first, last = first - room, last + room
    lanes = [lane for lane in LANES if any(row.lane == lane for row in rows)]

    def at(end: datetime) -> float:
        return round(LEFT + (end - first) / (last - first) * (WIDE - LEFT), 1)

    return {
        "wide": WIDE,
        "left": LEFT,
        "high": TOP + LANE * len(lanes) + 8,
        "top": TOP,
        "lanes": [
            {
                "name": LANES[lane],
                "y": TOP + LANE * number + LANE // 2,
                "marks": [_mark(row, at, first, last) for row in rows if row.lane == lane],
            }
            for number, lane in enumerate(lanes)
        ],
        "ticks": [{"x": at(tick), "label": label} for tick, label in _ticks(first, last)],
    }


def _mark(row: Happening, at: Any, first: datetime, last: datetime) -> dict[str, Any]:
    """Return a bar from the earliest to the latest that it may have been; open ends run on."""
    start = min(max(row.when.earliest or first, first), last)
    end = max(min(row.when.latest or last, last), first)
    x = at(start)
    return {
        "x": x,
        "wide": max(round(at(end) - x, 1), 3),
        "is_open": row.when.earliest is None or row.when.latest is None,
        "is_doubtful": row.when.is_uncertain or row.when.is_approximate,
        "title": f"{row.when.text}: {row.what}",
    }


def _ticks(first: datetime, last: datetime) -> Iterator[tuple[datetime, str]]:
    step = next((one for one in reversed(STEPS) if (last - first) / one >= 4), STEPS[0])
    if step >= 365 * DAY:
        years = round(step / (365.25 * DAY))
        for year in range(first.year // years * years + years, last.year + 1, years):
            yield datetime(year, 1, 1, tzinfo=UTC), f"{year:04d}"
    elif step >= 30 * DAY:
        months = round(step / (30 * DAY))
        for month in range(first.year * 12, last.year * 12 + 12, months):
            tick = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
            if first <= tick <= last:
                yield tick, f"{tick:%Y-%m}"
    else:
        tick = datetime.fromtimestamp(
            first.timestamp() // step.total_seconds() * step.total_seconds(), UTC
        )
        while (tick := tick + step) <= last:
            yield tick, f"{tick:%Y-%m-%d}" if step >= DAY else f"{tick:%m-%d %H:%M}"
