"""The map that is drawn here: positions where they belong, in each hemisphere, out of one file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import mapping
from evidence.mapping import HIGH, WIDE, Spot

KURSK, KYIV = Spot(1, 51.73, 36.19, 60_000), Spot(2, 50.45, 30.52)


@given(
    st.lists(
        st.tuples(st.floats(-84, 84), st.floats(-180, 180), st.integers(0, 500_000)),
        min_size=1,
        max_size=6,
    ),
    st.integers(-6, 0),
)
def test_every_spot_is_on_the_drawing(spots: list[tuple[float, float, int]], nearer: int) -> None:
    given = [Spot(number, *spot) for number, spot in enumerate(spots, 1)]
    window = mapping.around(given, nearer=nearer)
    for spot in given:
        x, y = window.at(spot.longitude, spot.latitude)
        assert 0 <= x <= WIDE
        assert 0 <= y <= HIGH


def test_north_is_up_and_east_is_right() -> None:
    kursk, kyiv = mapping.drawn([KURSK, KYIV])["marks"]
    assert kursk["x"] > kyiv["x"]
    assert kursk["y"] < kyiv["y"]
    assert kursk["reach"] > kyiv["reach"] == 0


@pytest.mark.parametrize(
    ("spot", "country", "meridian", "parallel"),
    [
        (Spot(1, 51.73, 36.19), "Russia", "E", "N"),
        (Spot(1, 40.0, -100.0), "United States of America", "W", "N"),
        (Spot(1, -15.0, -55.0), "Brazil", "W", "S"),
        (Spot(1, -25.0, 134.0), "Australia", "E", "S"),
    ],
)
def test_a_spot_stands_in_its_country(
    spot: Spot, country: str, meridian: str, parallel: str
) -> None:
    found = mapping.drawn([spot], nearer=-3)
    assert country in [one["name"] for one in found["names"]]
    assert all(one["label"].endswith(meridian) for one in found["meridians"])
    assert all(one["label"].endswith(parallel) for one in found["parallels"])


def test_land_is_cut_to_the_drawing() -> None:
    found = mapping.drawn([KURSK, KYIV])
    numbers = [float(one) for one in re.findall(r"-?\d+\.\d", found["land"])]
    assert numbers
    assert min(numbers) >= -0.1
    assert max(numbers) <= max(WIDE, HIGH) + 0.1
    assert len(found["land"]) + len(found["lines"]) < 100_000


def test_going_nearer_halves_what_is_shown() -> None:
    far, near = mapping.around([KURSK]), mapping.around([KURSK], nearer=1)
    assert near.north - near.south == pytest.approx((far.north - far.south) / 2)
    assert mapping.around([KURSK], nearer=99) == mapping.around([KURSK], nearer=mapping.NEAREST)


def _crosses_crimea(world: mapping.World) -> bool:
    """Say whether one line leads from the one side of the isthmus to the other."""
    west, east = (33.59, 46.10), (35.00, 45.73)
    return any(
        any(abs(x - west[0]) < 0.05 and abs(y - west[1]) < 0.05 for x, y in line)
        and any(abs(x - east[0]) < 0.05 and abs(y - east[1]) < 0.05 for x, y in line)
        and all(y > 45.6 for _, y in line)  # not the coast, around the south
        for line in world.lines
    )


def test_no_border_is_drawn_across_the_north_of_crimea(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _crosses_crimea(mapping.borders())
    monkeypatch.setattr(mapping, "_NO_BORDER", (0, 0, 0, 0))
    assert _crosses_crimea(mapping.borders.__wrapped__())  # the file has such a line


def test_the_scale_is_as_long_as_it_says() -> None:
    found = mapping.drawn([KURSK, KYIV])
    length, label = found["scale"]["long"], found["scale"]["label"]
    window = mapping.around([KURSK, KYIV])
    metres = float(label.removesuffix(" km")) * 1000
    assert length == pytest.approx(window.units(metres), abs=0.1)
    assert WIDE / 20 < length < WIDE / 4
