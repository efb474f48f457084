"""Files of real cameras show what other readers show.  They stand beside the checkout, or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence import sandbox

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"there are no real files in {FOLDER.name} beside the checkout"
)

#: As exiftool 12.57 gives them.
PICTURES = {
    "DSCN0010.jpg": ("2008-10-22T16:28:39", 43.4674483333, 11.8851266667, "COOLPIX P6000"),
    "DSCN0042.jpg": ("2008-10-22T17:00:07", 43.464455, 11.8814783333, "COOLPIX P6000"),
    "IMG_5195.HEIC": ("2021-04-11T15:47:53", 39.0513444444, -94.2887722222, "iPhone 11 Pro Max"),
}


def facts(tool, name):
    with (FOLDER / name).open("rb") as file:
        outcome = sandbox.run(tool, file)
    assert outcome.outcome == "ok", outcome
    return outcome.result["parsed"]


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_pictures_time_place_and_device_are_what_exiftool_says(name):
    taken, latitude, longitude, model = PICTURES[name]

    found = facts("exif", name)

    assert found["times"]["taken"]["local"][:19] == taken
    assert found["gps"]["lat"] == pytest.approx(latitude, abs=1e-7)
    assert found["gps"]["lon"] == pytest.approx(longitude, abs=1e-7)
    assert found["device"]["model"] == model


def test_a_films_time_and_device_are_what_exiftool_says():
    found = facts("container", "c2pa-c.mov")

    assert found["times"]["taken"]["instant"] == "2025-08-22T21:39:57-07:00"
    assert found["times"]["created"]["instant"] == "2025-08-23T04:39:57+00:00"
    assert (found["device"]["make"], found["device"]["model"]) == ("Apple", "Mac15,9")
    assert found["duration_ms"] == 5217
