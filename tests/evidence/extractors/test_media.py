"""Pictures, films, sounds and documents: their facts, their previews, and what is refused."""

from __future__ import annotations

import io
import tempfile

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.evidence.extractors.made import ask, film, gps_tags, jpeg, png_bomb, scene


def previews(content):
    with tempfile.TemporaryFile() as output:
        outcome = ask("preview", content, output=output)
        assert outcome.outcome == "ok", outcome
        made = []
        for one in outcome.result["outputs"]:
            output.seek(one["start"])
            made.append((one, output.read(one["size"])))
    return made


def test_a_pictures_facts():
    facts = ask("image", jpeg(scene(160, 120), tags={0x0112: 6})).result["parsed"]

    assert (facts["format"], facts["width"], facts["height"]) == ("JPEG", 160, 120)
    assert (facts["orientation"], facts["mode"], facts["frames"]) == (6, "RGB", 1)


@pytest.mark.parametrize("tool", ["image", "pdq"])
@pytest.mark.parametrize("side", [12_000, 60_000])
def test_too_many_pixels_are_refused(tool, side):
    assert ask(tool, png_bomb(side)).outcome == "limit(pixels)"


def test_a_cut_picture_is_malformed():
    assert ask("image", jpeg()[:-800]).outcome == "malformed"


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>"])
def test_what_is_no_picture_is_unsupported(content):
    assert ask("image", content).outcome == "unsupported"


def test_a_pictures_preview_is_upright_small_and_without_metadata():
    tags = gps_tags(((51, 1), (21, 1), (0, 1)), "N", ((35, 1), (16, 1), (0, 1)), "E")
    content = jpeg(
        scene(200, 100).resize((2000, 1000)), tags={0x0112: 6, 0x010F: "Secretmake"}, gps=tags
    )

    [(one, made)] = previews(content)

    assert (one["media_type"], one["derivation"]) == ("image/jpeg", "thumbnail")
    assert Image.open(io.BytesIO(made)).size == (640, 1280)
    assert b"Exif" not in made
    assert b"Secretmake" not in made


def test_a_films_facts():
    content = film(
        2,
        creation_time="2025-01-11T16:00:00Z",
        location="+51.3584+035.2792+120.000/",
    )

    facts = ask("container", content).result["parsed"]

    assert facts["duration_ms"] == pytest.approx(2000, abs=60)
    assert facts["kinds"] == ["audio", "video"]
    video = next(one for one in facts["streams"] if one["type"] == "video")
    assert (video["codec"], video["width"], video["height"]) == ("h264", 320, 180)
    assert (facts["gps"]["lat"], facts["gps"]["lon"]) == (51.3584, 35.2792)
    assert facts["times"]["created"]["instant"] == "2025-01-11T16:00:00+00:00"
    assert facts["times"]["created"]["zone_basis"] == "assumed"


def test_a_films_own_tags_name_device_and_time():
    content = film(
        1,
        **{
            "com.apple.quicktime.make": "Sample",
            "com.apple.quicktime.model": "Phone 1",
            "com.apple.quicktime.creationdate": "2025-01-11T18:00:00+0200",
            "com.apple.quicktime.location.ISO6709": "-33.8568+151.2153/",
        },
    )

    facts = ask("container", content).result["parsed"]

    assert (facts["device"]["make"], facts["device"]["model"]) == ("Sample", "Phone 1")
    assert facts["times"]["taken"]["instant"] == "2025-01-11T18:00:00+02:00"
    assert facts["times"]["taken"]["zone_basis"] == "explicit_offset"
    assert (facts["gps"]["lat"], facts["gps"]["lon"]) == (-33.8568, 151.2153)


def test_a_films_preview_can_be_sought_and_shows_the_film():
    content = film(4, location="+51.3584+035.2792/")

    (poster, picture), (clip, made) = previews(content)

    assert (poster["derivation"], clip["media_type"]) == ("keyframe", "video/mp4")
    assert made.index(b"moov") < made.index(b"mdat")
    assert b"51.3584" not in made
    with av.open(io.BytesIO(made)) as container:
        assert [one.codec_context.name for one in container.streams.video] == ["h264"]
        assert [one.codec_context.name for one in container.streams.audio] == ["aac"]
        assert container.duration == pytest.approx(4_000_000, rel=0.05)
        container.seek(2_500_000)
        frame = next(container.decode(video=0))
        assert frame.time >= 1.5
    with av.open(io.BytesIO(made)) as container:
        frames = [one.to_image() for one in container.decode(video=0)]
    assert len(frames) == 40
    apart = ImageChops.difference(frames[35].convert("L"), scene(320, 180, seed=3).convert("L"))
    assert ImageStat.Stat(apart).mean[0] < 6
    assert Image.open(io.BytesIO(picture)).size == (320, 180)


def test_a_cut_film_is_no_crash():
    content = film(2)

    for size in (40, len(content) // 2, len(content) - 200):
        assert ask("container", content[:size]).outcome in {"ok", "malformed", "unsupported"}
        with tempfile.TemporaryFile() as output:
            outcome = ask("preview", content[:size], output=output)
            assert outcome.outcome in {"ok", "malformed", "unsupported"}, outcome


def test_a_playlist_is_not_followed():
    playlist = (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )

    assert ask("container", playlist).outcome in {"malformed", "unsupported"}


DOCUMENT = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction 5 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 3>>endobj\n"
    b"4 0 obj<</Producer(Sample \\(1\\))/CreationDate(D:20250111180000+02'00')>>endobj\n"
    b"trailer<</Root 1 0 R/Info 4 0 R>>\n%%EOF\n"
)


def test_a_documents_facts():
    facts = ask("pdf", DOCUMENT).result["parsed"]

    assert (facts["version"], facts["pages"], facts["producer"]) == ("1.4", 3, "Sample (1)")
    assert facts["times"]["created"]["instant"] == "2025-01-11T18:00:00+02:00"
    assert facts["marks"]["open_action"] == 1


def test_a_document_saved_twice_says_so():
    result = ask("pdf", DOCUMENT + b"9 0 obj<<>>endobj\n%%EOF\n").result

    assert result["parsed"]["saved"] == 2
    assert result["warnings"]
