"""Files that others made: in through `manage.py ingest`, read, exported, and out unchanged.

They are no part of the project and stand beside the checkout; without them these tests are skipped.
What is expected was read once with the tools that each table names, and written down here.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.by_command import ADMINISTRATOR, EXAMPLE, Archive, opened, stranger
from tests.journeys.conftest import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "real"

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/real is not beside this folder"),
]

#: exiftool 12.57, -n: DateTimeOriginal or CreationDate, with SubSecTime and Offset where it has
#: them; the instant that this names, or None without an offset.
TAKEN = {
    "DSCN0010.jpg": ("2008-10-22T16:28:39", None),
    "DSCN0021.jpg": ("2008-10-22T16:38:20", None),
    "DSCN0042.jpg": ("2008-10-22T17:00:07", None),
    "IMG_5195.HEIC": ("2021-04-11T15:47:53.054000", "2021-04-11T15:47:53.054000-05:00"),
    "c2pa-c.mov": ("2025-08-22T21:39:57", "2025-08-22T21:39:57-07:00"),
}
#: exiftool 12.57, -n: PDF:CreateDate and PDF:ModifyDate.
DOCUMENT = {
    "created": "2023-05-04T13:31:05-07:00",
    "modified": "2023-05-04T13:42:17-07:00",
}
#: exiftool 12.57, -n: Composite:GPSLatitude and Composite:GPSLongitude.
PLACES = {
    "DSCN0010.jpg": (43.4674483333333, 11.8851266666639),
    "DSCN0021.jpg": (43.4670816666639, 11.8845383333306),
    "DSCN0042.jpg": (43.464455, 11.8814783333333),
    "IMG_5195.HEIC": (39.0513444444444, -94.2887722222222),
}
#: exiftool 12.57, -n: Composite:GPSDateTime, without its fraction of a second.
SATELLITES = {
    "DSCN0010.jpg": "2008-10-23T14:27:07+00:00",
    "DSCN0021.jpg": "2008-10-23T14:36:47+00:00",
    "DSCN0042.jpg": "2008-10-23T14:57:41+00:00",
}
#: exiftool 12.57: Make, Model, Software.
DEVICES = {
    "DSCN0010.jpg": ("NIKON", "COOLPIX P6000", "Nikon Transfer 1.1 W"),
    "DSCN0021.jpg": ("NIKON", "COOLPIX P6000", "Nikon Transfer 1.1 W"),
    "DSCN0042.jpg": ("NIKON", "COOLPIX P6000", "Nikon Transfer 1.1 W"),
    "IMG_5195.HEIC": ("Apple", "iPhone 11 Pro Max", "14.4.2"),
    "c2pa-c.mov": ("Apple", "Mac15,9", "macOS 14.6.1 (23G93)"),
}
#: ffprobe 5.1.9: format=duration in seconds, and each stream's codec.
FILMS = {
    "c2pa-c.mov": (5.216667, {"h264"}),
    "chair-19-sd-bar.mp4": (18.816, {"h264", "aac"}),
    "chair-20-sd-bar.mp4": (20.502, {"h264", "aac"}),
    "doorknob-hd-no-bar.mp4": (4.331, {"h264", "aac"}),
    "sample1.mp3": (122.122449, {"mp3"}),
}
#: exiftool 12.57, -n: Composite:ImageSize.
SIZES = {
    "DSCN0010.jpg": (640, 480),
    "DSCN0021.jpg": (640, 480),
    "DSCN0042.jpg": (640, 480),
    "c2pa-CA.jpg": (1024, 683),
    "c2pa-c.mov": (2750, 1834),
    "chair-19-sd-bar.mp4": (480, 720),
    "chair-20-sd-bar.mp4": (480, 720),
    "doorknob-hd-no-bar.mp4": (1280, 720),
}
#: Files in which exiftool 12.57 and ffprobe 5.1.9 find no time, no place and no device.
SILENT = ["c2pa-CA.jpg", "chair-19-sd-bar.mp4", "chair-20-sd-bar.mp4", "doorknob-hd-no-bar.mp4"]

#: Encoded pictures and sound end on a whole frame; tools differ by two of them.
FRAMES = 0.05  # seconds


def _paths() -> list[Path]:
    return sorted(path for path in FOLDER.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The files in the example's case, processed in the sandbox."""
    ready = opened(tmp_path_factory.mktemp("real"), {})
    ready.manage("load_example")
    said = ready.manage("ingest", str(FOLDER), "--case", EXAMPLE, "--user", ADMINISTRATOR)
    assert f"{len(_paths())} taken in, 0 were in, 0 not." in said
    ready.manage("process")
    return ready


@pytest.fixture(scope="module")
def found(archive: Archive) -> dict[str, dict[str, Any]]:
    """What each tool found, as the item's page has it: {file name: {tool: parsed}}."""
    rows = json.loads(
        archive.run(
            """
            import json
            from evidence.models.analysis import Analysis
            rows = Analysis.objects.filter(state="done").select_related("file")
            print(json.dumps(
                [[one.file.original_filename, one.tool, one.result] for one in rows]
            ))
            """
        )
    )
    files: dict[str, dict[str, Any]] = {}
    for name, tool, result in rows:
        files.setdefault(name, {})[tool] = (result or {}).get("parsed", result)
    return files


@pytest.fixture(scope="module")
def bundle(archive: Archive) -> Path:
    return archive.export(EXAMPLE)


def _facts(found: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """Return what the tool that reads times, places and devices of this file said."""
    tools = found[name]
    facts: dict[str, Any] = tools.get("exif") or tools["container"]
    return facts


def test_every_file_was_read_to_an_end(archive, found):
    assert archive.unfinished() == []
    assert {path.name for path in _paths()} <= set(found)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_the_time_of_taking_is_the_one_that_other_tools_read(found, name):
    taken = _facts(found, name)["times"]["taken"]

    assert (taken["local"], taken["instant"]) == TAKEN[name]
    basis = "unknown" if TAKEN[name][1] is None else "explicit_offset"
    assert taken["zone_basis"] == basis


@pytest.mark.parametrize("name", sorted(SATELLITES))
def test_the_satellites_time_is_kept_apart_from_the_cameras_clock(found, name):
    times = _facts(found, name)["times"]

    assert (times["gps"]["instant"], times["gps"]["zone_basis"]) == (SATELLITES[name], "utc")


def test_a_documents_times_are_those_that_other_tools_read(found):
    times = found["basic-attachments.pdf"]["pdf"]["times"]

    assert {name: one["instant"] for name, one in times.items()} == DOCUMENT


@pytest.mark.parametrize("name", sorted(PLACES))
def test_the_place_is_the_one_that_other_tools_read(found, name):
    place = _facts(found, name)["gps"]

    # A hundred-millionth of a degree is a millimetre.
    assert (place["lat"], place["lon"]) == pytest.approx(PLACES[name], abs=1e-8)


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_the_device_is_the_one_that_other_tools_read(found, name):
    device = _facts(found, name)["device"]

    assert (device["make"], device["model"], device["software"]) == DEVICES[name]


@pytest.mark.parametrize("name", sorted(FILMS))
def test_length_and_codecs_are_those_that_other_tools_read(found, name):
    length, codecs = FILMS[name]

    facts = found[name]["container"]

    assert facts["duration_ms"] / 1000 == pytest.approx(length, abs=FRAMES)
    # The decoder's name may say how it calculates.
    assert {one["codec"].removesuffix("float") for one in facts["streams"]} == codecs


@pytest.mark.parametrize("name", sorted(SIZES))
def test_width_and_height_are_those_that_other_tools_read(found, name):
    tools = found[name]
    facts = tools.get("image") or next(
        one for one in tools["container"]["streams"] if one["type"] == "video"
    )

    assert (facts["width"], facts["height"]) == SIZES[name]


@pytest.mark.parametrize("name", SILENT)
def test_what_a_file_does_not_say_is_not_made_up(found, name):
    facts = _facts(found, name)

    assert facts["times"] == {}
    assert facts["gps"] is None
    assert not {"make", "model"} & set(facts["device"])


def test_the_item_page_shows_time_place_and_device(archive):
    shown = archive.run(
        """
        from django.conf import settings
        from django.contrib.auth.models import User
        from django.test import Client
        from evidence.models.file import EvidenceFile
        settings.ALLOWED_HOSTS = ["testserver"]
        file = EvidenceFile.objects.get(original_filename="IMG_5195.HEIC")
        client = Client()
        client.force_login(User.objects.get(username="admin"))
        answer = client.get(f"/admin/evidence/evidenceitem/{file.item_id}/change/")
        assert answer.status_code == 200, answer.status_code
        print(answer.content.decode())
        """
    )

    for words in ("2021-04-11T15:47:53", "-05:00", "39.05134", "-94.28877", "iPhone 11 Pro Max"):
        assert words in shown


def test_the_files_come_out_of_the_bundle_byte_for_byte(archive, bundle):
    verdict = stranger(bundle, "--key", archive.vkey())
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr

    with zipfile.ZipFile(bundle) as packed:
        out = {
            Path(name).name: hashlib.sha256(packed.read(name)).hexdigest()
            for name in packed.namelist()
            if "/original/" in name
        }
    for path in _paths():
        assert out[path.name] == hashlib.sha256(path.read_bytes()).hexdigest(), path.name


def test_the_bundle_says_of_each_file_what_the_page_says(bundle, found):
    with zipfile.ZipFile(bundle) as packed:
        said = [json.loads(packed.read(n)) for n in packed.namelist() if n.endswith("item.json")]

    text = {str(one["title"]): json.dumps(one) for one in said if "title" in one}
    for name, (make, model, _) in DEVICES.items():
        assert make in text[name]
        assert model in text[name]


def test_the_archive_is_as_it_was(archive, bundle):
    code, report = archive.audit()

    assert code == 0, report
