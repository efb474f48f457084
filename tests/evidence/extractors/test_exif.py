"""Times keep their basis, places their hemisphere, and nothing is made up."""

from __future__ import annotations

import struct

import pytest

from evidence.extractors import moments, places
from tests.evidence.extractors.made import ask, gps_tags, jpeg

TAKEN, OFFSET, SUBSECOND = 0x9003, 0x9011, 0x9291
MODIFIED = 0x0132
HERE = ((51, 1), (21, 1), (3012, 100))
THERE = ((35, 1), (16, 1), (4500, 100))


@pytest.mark.parametrize(
    ("north", "east", "signs"),
    [("N", "E", (1, 1)), ("N", "W", (1, -1)), ("S", "E", (-1, 1)), ("S", "W", (-1, -1))],
)
def test_a_place_keeps_its_hemisphere(north, east, signs):
    content = jpeg(gps=gps_tags(HERE, north, THERE, east))

    gps = ask("exif", content).result["parsed"]["gps"]

    assert gps["lat"] == pytest.approx(signs[0] * (51 + 21 / 60 + 30.12 / 3600), abs=1e-8)
    assert gps["lon"] == pytest.approx(signs[1] * (35 + 16 / 60 + 45 / 3600), abs=1e-8)
    assert gps["raw"]["GPSLatitudeRef"]["values"] == north
    assert gps["raw"]["GPSLongitude"]["values"] == ["35/1", "16/1", "45/1"]


NOTHING = ((0, 1), (0, 1), (0, 1))


@pytest.mark.parametrize(
    ("latitude", "north", "longitude", "east", "reason"),
    [
        (NOTHING, "N", NOTHING, "E", "0, 0"),
        (HERE, "N", None, "", "only one"),
        (None, "", THERE, "E", "only one"),
        (HERE, "N", THERE, "", "only one"),
        (((95, 1), (0, 1), (0, 1)), "N", THERE, "E", "outside the globe"),
    ],
)
def test_what_is_no_place_is_refused_and_kept_raw(latitude, north, longitude, east, reason):
    content = jpeg(gps=gps_tags(latitude, north, longitude, east))

    result = ask("exif", content).result

    assert (result["parsed"]["gps"]["lat"], result["parsed"]["gps"]["lon"]) == (None, None)
    assert result["parsed"]["gps"]["raw"]
    assert any(reason in warning for warning in result["warnings"])


def test_a_time_with_an_offset_is_that_instant_and_keeps_the_offset():
    content = jpeg(exif={TAKEN: "2025:01:11 18:00:00", OFFSET: "+02:00", SUBSECOND: "25"})

    taken = ask("exif", content).result["parsed"]["times"]["taken"]

    assert taken["instant"] == "2025-01-11T18:00:00.250000+02:00"
    assert taken["zone_basis"] == "explicit_offset"
    assert taken["raw"] == "2025:01:11 18:00:00.25 +02:00"


def test_a_time_without_an_offset_is_no_instant():
    taken = ask("exif", jpeg(exif={TAKEN: "2025:01:11 18:00:00"})).result["parsed"]["times"][
        "taken"
    ]

    assert taken["instant"] is None
    assert taken["local"] == "2025-01-11T18:00:00"
    assert taken["zone_basis"] == "unknown"


def test_a_satellites_time_is_utc():
    tags = gps_tags(HERE, "N", THERE, "E") | {7: (16.0, 0.0, 5.0), 29: "2025:01:11"}

    gps = ask("exif", jpeg(gps=tags)).result["parsed"]["times"]["gps"]

    assert (gps["instant"], gps["zone_basis"]) == ("2025-01-11T16:00:05+00:00", "utc")


@pytest.mark.parametrize("stamp", ["0000:00:00 00:00:00", "2025:13:40 99:00:00", "yesterday"])
def test_what_is_no_time_is_kept_raw_with_a_warning(stamp):
    result = ask("exif", jpeg(exif={TAKEN: stamp})).result

    assert result["parsed"]["times"]["taken"]["instant"] is None
    assert result["parsed"]["times"]["taken"]["raw"] == stamp
    assert result["warnings"]


def test_a_device_is_named():
    content = jpeg(
        tags={0x010F: "Sample", 0x0110: "Camera 1", 0x0131: "1.2"}, exif={0xA431: "SN-12"}
    )

    device = ask("exif", content).result["parsed"]["device"]

    assert device == {"make": "Sample", "model": "Camera 1", "software": "1.2", "serial": "SN-12"}


def test_contradicting_times_are_said():
    content = jpeg(tags={MODIFIED: "2025:01:10 09:00:00"}, exif={TAKEN: "2025:01:11 18:00:00"})

    assert any("before it was taken" in one for one in ask("exif", content).result["warnings"])


def test_a_picture_without_tags_is_no_failure():
    outcome = ask("exif", jpeg())

    assert outcome.outcome == "ok"
    assert outcome.result["parsed"]["times"] == {}
    assert outcome.result["parsed"]["gps"] is None


def test_damaged_tags_are_an_outcome_not_an_exception():
    content = jpeg(tags={0x010F: "Sample"}, exif={TAKEN: "2025:01:11 18:00:00"})
    start = content.index(b"Exif\0\0") + 6

    for at in range(start, start + 80, 8):
        damaged = bytearray(content)
        damaged[at : at + 2] = struct.pack(">H", 0xFFFF)

        assert ask("exif", bytes(damaged)).outcome in {"ok", "malformed", "limit(memory)"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+51.3584+035.2792/", (51.3584, 35.2792, None)),
        ("-33.8568+151.2153+012.5/", (-33.8568, 151.2153, 12.5)),
        ("+40.7128-074.0060/", (40.7128, -74.006, None)),
        ("+5121.504+03516.752/", (51 + 21.504 / 60, 35 + 16.752 / 60, None)),
        ("+512130-0351645/", (51.358333333, -35.279166667, None)),
    ],
)
def test_iso_6709_positions_are_read(raw, expected):
    latitude, longitude, height = places.iso_6709(raw)

    assert (latitude, longitude) == pytest.approx(expected[:2])
    assert height == expected[2]


@pytest.mark.parametrize("raw", ["", "somewhere", "+51.3584", "51.3584,35.2792", "++/"])
def test_what_is_no_position_is_not_read(raw):
    assert places.iso_6709(raw) is None


@pytest.mark.parametrize(
    ("raw", "instant", "basis"),
    [
        ("2025-01-11T18:00:00+02:00", "2025-01-11T18:00:00+02:00", "explicit_offset"),
        ("2025-01-11T16:00:00Z", "2025-01-11T16:00:00+00:00", "assumed"),
        ("2025-01-11T18:00:00", None, "unknown"),
        ("last Tuesday", None, "unknown"),
    ],
)
def test_iso_times_keep_their_basis(raw, instant, basis):
    found = moments.iso_moment(raw, utc_is="assumed")

    assert (found["instant"], found["zone_basis"]) == (instant, basis)


@pytest.mark.parametrize(
    ("raw", "instant"),
    [
        ("D:20250111180000+02'00'", "2025-01-11T18:00:00+02:00"),
        ("D:20250111180000Z", "2025-01-11T18:00:00+00:00"),
        ("D:20250111180000", None),
        ("D:20259911", None),
    ],
)
def test_pdf_dates_keep_their_offset(raw, instant):
    assert moments.pdf_moment(raw)["instant"] == instant
