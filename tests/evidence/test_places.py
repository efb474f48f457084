"""Positions as people write them, in each hemisphere; half a pair and 0, 0 are refused."""

from __future__ import annotations

import pytest

from evidence import places


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("51.73 N, 36.19 E", 51.73, 36.19),
        ("51.73, 36.19", 51.73, 36.19),
        ("-33.87, -151.2", -33.87, -151.2),
        ("33.87 S, 151.2 W", -33.87, -151.2),
        ("33.87S 151.2E", -33.87, 151.2),
        ("51°43'48\" N, 36°11'24\" E", 51.73, 36.19),
        ("51° 43.8' n 36° 11.4' w", 51.73, -36.19),
        ("+51.73+036.19/", 51.73, 36.19),
        ("-5143.8-03611.4/", -51.73, -36.19),
    ],
)
def test_a_position_keeps_its_hemisphere(text: str, latitude: float, longitude: float) -> None:
    found = places.read(text)
    assert found.latitude == pytest.approx(latitude, abs=1e-6)
    assert found.longitude == pytest.approx(longitude, abs=1e-6)
    assert found.text == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "Kursk", "51.73", "51.73 N", "0, 0", "0 N, 0 E", "91 N, 10 E", "10 N, 181 E", "51.73 N, ",
     "36.19 E, 51.73 N", "51.73 N, 36.19 N", "1 2 3 4 N, 5 E", "5" * 81],
)  # fmt: skip
def test_what_is_no_position_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(places.UnreadablePlaceError, match="Write a position as"):
        places.read(text)
    assert places.read_or_none(text) is None
