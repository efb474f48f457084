"""The example's media are what they claim to be, and none can be taken for evidence."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
from pathlib import Path

import av
import exifread
import numpy as np
import pytest
from PIL import Image

from seeds.kursk_2025 import make_media
from seeds.kursk_2025.make_media import BAND, MEDIA
from tests.seeds.corpus import words_of, words_of_pdf

PICTURES = sorted(path.name for path in MEDIA.iterdir() if path.suffix in {".jpg", ".png"})
PDFS = sorted(path.name for path in MEDIA.glob("*.pdf"))


def _tags(name: str) -> dict[str, object]:
    with (MEDIA / name).open("rb") as file:
        return dict(exifread.process_file(file, details=False))


def _number(pattern: bytes, data: bytes) -> int:
    found = re.search(pattern, data)
    assert found, pattern
    return int(found.group(1))


_band = functools.cache(make_media.band)


def _differs_from_band(strip: Image.Image) -> float:
    expected = np.asarray(_band(strip.size), dtype=np.int16)
    return float(np.abs(np.asarray(strip.convert("RGB"), dtype=np.int16) - expected).mean())


def test_the_digests_beside_the_media_are_theirs_and_leave_none_out():
    lines = (MEDIA / "SHA256SUMS").read_text().splitlines()

    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}

    assert listed == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MEDIA.iterdir()
        if path.name != "SHA256SUMS"
    }


def test_all_media_together_stay_under_three_megabytes():
    assert sum(path.stat().st_size for path in MEDIA.iterdir()) < 3_000_000


@pytest.mark.parametrize("name", sorted(make_media.texts()))
def test_what_is_made_of_words_is_made_again_byte_for_byte(name):
    assert make_media.texts()[name] == (MEDIA / name).read_bytes()


def test_the_video_is_h264_with_sound_and_can_be_sought():
    with av.open(str(MEDIA / "service-video.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        seconds = (container.duration or 0) / av.time_base
        container.seek(10 * av.time_base)
        sought = next(container.decode(video))

    assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
    assert seconds == pytest.approx(20, abs=0.2)
    assert sought.time == pytest.approx(10, abs=2.1)


def test_the_videos_index_stands_before_its_pictures():
    data = (MEDIA / "service-video.mp4").read_bytes()

    assert data.index(b"moov") < data.index(b"mdat")


def test_every_frame_of_the_video_carries_the_band():
    with av.open(str(MEDIA / "service-video.mp4")) as container:
        box = (0, 0, make_media.VIDEO_SIZE[0], make_media.VIDEO_BAND)
        worst = [
            _differs_from_band(frame.to_image().crop(box)) for frame in container.decode(video=0)
        ]

    assert len(worst) == make_media.VIDEO_RATE * make_media.VIDEO_SECONDS
    assert max(worst) < 12


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_carries_the_band_at_head_and_foot(name):
    with Image.open(MEDIA / name) as image:
        picture = image.convert("RGB")

    for top in (0, picture.height - 64):
        assert _differs_from_band(picture.crop((0, top, picture.width, top + 64))) < 12


def test_a_picture_without_the_band_would_be_noticed():
    blank = Image.new("RGB", (1000, 64), make_media.YELLOW)

    assert _differs_from_band(blank) > 12


@pytest.mark.parametrize("name", ["oral-statement.m4a", "service-video.mp4"])
def test_sound_is_aac_that_can_be_heard_and_its_title_says_stand_in(name):
    with av.open(str(MEDIA / name)) as container:
        codec = container.streams.audio[0].codec_context.name
        title = container.metadata["title"]
        loudest = max(
            float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0)
        )

    assert codec == "aac"
    assert title.startswith(BAND)
    assert loudest > 0.1


@pytest.mark.parametrize("name", ["written-statement-pow-a.jpg", "military-id-card.jpg"])
def test_a_picture_tells_its_time_with_its_offset_and_its_place_rounded(name):
    tags = _tags(name)

    assert str(tags["Image Make"]) == "Stand-in Camera"
    assert re.fullmatch(r"2025:01:\d\d \d\d:\d\d:\d\d", str(tags["EXIF DateTimeOriginal"]))
    assert str(tags["EXIF OffsetTimeOriginal"]) == "+02:00"
    assert (str(tags["GPS GPSLatitudeRef"]), str(tags["GPS GPSLongitudeRef"])) == ("N", "E")
    assert str(tags["GPS GPSLatitude"]) == "[51, 12, 0]"
    assert str(tags["GPS GPSLongitude"]) == "[35, 18, 0]"


def test_one_recovered_document_has_a_time_without_an_offset_and_one_has_no_metadata():
    with_time, without = _tags("recovered-document-1.jpg"), _tags("recovered-document-2.png")

    assert "EXIF DateTimeOriginal" in with_time
    assert not [name for name in with_time if "Offset" in name and name.startswith("EXIF")]
    assert without == {}


@pytest.mark.parametrize("name", [name for name in PICTURES if name.endswith(".jpg")])
def test_a_pictures_own_description_says_that_it_is_a_stand_in(name):
    assert str(_tags(name)["Image ImageDescription"]).startswith("STAND-IN - MADE FOR THE EXAMPLE")


@pytest.mark.parametrize("name", PDFS)
def test_a_pdfs_table_of_offsets_finds_every_object(name):
    data = (MEDIA / name).read_bytes()

    start = _number(rb"startxref\n(\d+)\n%%EOF\n\Z", data)
    table = io.BytesIO(data[start:])
    assert table.readline() == b"xref\n"
    count = int(table.readline().split()[1])
    rows = [table.read(20) for _ in range(count)]
    assert rows[0] == b"0000000000 65535 f \n"
    for number, row in enumerate(rows[1:], start=1):
        assert re.fullmatch(rb"\d{10} 00000 n \n", row)
        assert data[int(row[:10]) :].startswith(b"%d 0 obj\n" % number)
    assert f"/Size {count} ".encode() in data[start:]
    for stream in re.finditer(rb"/Length (\d+) >>\nstream\n", data):
        assert data[stream.end() + int(stream.group(1)) :].startswith(b"endstream")


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_shows_its_words_and_the_band_on_every_page(name):
    data = (MEDIA / name).read_bytes()
    written = (Path(make_media.WORDS) / name.replace(".pdf", ".txt")).read_text()

    shown = words_of_pdf(data)

    pages = _number(rb"/Count (\d+)", data)
    assert shown.count(BAND) == 2 * pages
    assert written.split() == shown.replace(BAND, "").split()[-len(written.split()) :]


@pytest.mark.parametrize("name", ["president-post.json", "oral-statement-transcript.json"])
def test_json_says_first_that_it_is_a_stand_in(name):
    content = json.loads((MEDIA / name).read_text())

    assert next(iter(content.items())) == ("stand_in", BAND)


def test_every_segment_of_the_transcript_stands_in_every_layer_with_its_basis():
    content = json.loads(words_of(MEDIA / "oral-statement-transcript.json"))

    orders = [layer["order"] for layer in content["layers"]]
    assert orders == [0, 1, 2]
    for segment in content["segments"]:
        assert [text["layer"] for text in segment["texts"]] == orders
        assert all(text["basis"] for text in segment["texts"])
    assert content["declarant"] == {"among": ["POW-A", "POW-B"], "which": "undetermined"}
