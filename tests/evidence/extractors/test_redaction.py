"""Of what is hidden nothing is left in a rendition, in no frame, no layer and no metadata."""

from __future__ import annotations

import io
import tempfile

import av
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from evidence import sandbox
from evidence.extractors import redaction
from tests.evidence.extractors.made import jpeg, scene

BOX = {"left": 250, "top": 250, "right": 500, "bottom": 750}
SIZE = (320, 240)
EXACTLY = (slice(60, 180), slice(80, 160))  # the box, in pixels
INSIDE = (slice(64, 176), slice(84, 156))  # well within the box, in pixels


def made(content, **hidden):
    with tempfile.TemporaryFile() as output:
        outcome = sandbox.run(
            "redaction", io.BytesIO(content), parameters={"redaction": hidden}, output=output
        )
        output.seek(0)
        return outcome, output.read()


def noise(seed):
    """A face for every frame: noise, of which any detail that is left would be noticed."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


def film(frames=50, *, sound=True):
    out = io.BytesIO()
    with av.open(out, mode="w", format="mp4", options={"movflags": "use_metadata_tags"}) as target:
        target.metadata.update(
            {
                "title": "CANARY TITLE",
                "creation_time": "2025-01-09T10:00:00Z",
                "location": "+51.2000+035.3000/",
                "comment": "CANARY COMMENT",
            }
        )
        picture = target.add_stream("libx264", rate=25, options={"crf": "10"})
        picture.width, picture.height = SIZE
        picture.pix_fmt = "yuv420p"
        track = target.add_stream("aac", rate=44_100, layout="mono") if sound else None
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(noise(number), format="rgb24")
            frame.pts = number
            target.mux(picture.encode(frame))
        target.mux(picture.encode(None))
        if track is not None:
            times = np.arange(2 * 44_100) / 44_100
            wave = (0.4 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)[None]
            for at in range(0, wave.shape[1] - 1024, 1024):
                part = av.AudioFrame.from_ndarray(
                    wave[:, at : at + 1024], format="fltp", layout="mono"
                )
                part.sample_rate, part.pts = 44_100, at
                target.mux(track.encode(part))
            target.mux(track.encode(None))
    return out.getvalue()


def frames_of(content):
    with av.open(io.BytesIO(content)) as source:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in source.decode(video=0)]


@pytest.mark.parametrize("style", ["fill", "blur"])
def test_no_frame_of_a_film_has_any_detail_of_what_is_hidden(style):
    original = film()

    outcome, content = made(original, regions=[{**BOX, "style": style}])

    assert outcome.outcome == "ok", outcome.reason
    frames = frames_of(content)
    assert len(frames) == 50
    for (_, pixels), (_, before) in zip(frames, frames_of(original), strict=True):
        hidden, was = (one[EXACTLY].astype(float) for one in (pixels, before))
        assert was.std() > 50, "there was something to hide"
        # What is there beyond its averages, but for the seam where the outside shines in.
        left, lost = (one[4:-4, 4:-4].ravel() for one in (_detail(hidden), _detail(was)))
        assert left.std() < 6
        assert abs(np.corrcoef(left, lost)[0, 1]) < 0.05
        if style == "fill":
            assert pixels[INSIDE].max() <= 24
        outside = pixels[:40].astype(float)
        assert np.corrcoef(outside.ravel(), before[:40].astype(float).ravel())[0, 1] > 0.8


def _detail(pixels):
    """What is in a box beyond six averages a side."""
    return pixels - _coarse(pixels)


def _coarse(pixels):
    rows = np.array_split(pixels, 6)
    return np.vstack(
        [
            np.hstack(
                [
                    np.broadcast_to(cell.mean(axis=(0, 1)), cell.shape)
                    for cell in np.array_split(row, 6, axis=1)
                ]
            )
            for row in rows
        ]
    )


def test_a_region_is_hidden_from_its_moment_until_its_end_and_no_frame_less():
    outcome, content = made(film(), regions=[{**BOX, "from_ms": 400, "until_ms": 1_200}])

    assert outcome.outcome == "ok", outcome.reason
    for time, pixels in frames_of(content):
        hidden = pixels[INSIDE].max() <= 24
        assert hidden == (400 <= round(time * 1000) < 1_200), time


def test_a_film_loses_its_metadata_and_by_default_its_sound():
    outcome, content = made(film(), regions=[BOX])

    assert outcome.outcome == "ok", outcome.reason
    assert b"CANARY" not in content
    with av.open(io.BytesIO(content)) as source:
        assert not source.streams.audio
        assert set(source.metadata) <= {
            "major_brand",
            "minor_version",
            "compatible_brands",
            "encoder",
        }
        assert "creation_time" not in source.streams.video[0].metadata


def pitch(content):
    with av.open(io.BytesIO(content)) as source:
        parts = [frame.to_ndarray().mean(axis=0) for frame in source.decode(audio=0)]
        rate = source.streams.audio[0].rate
    wave = np.concatenate(parts)[rate // 4 : rate]
    return np.argmax(np.abs(np.fft.rfft(wave * np.hanning(len(wave))))) * rate / len(wave)


@pytest.mark.parametrize(("sound", "expected"), [("keep", 440), ("lower", 330)])
def test_sound_is_kept_or_lowered_as_asked(sound, expected):
    outcome, content = made(film(), regions=[BOX], sound=sound)

    assert outcome.outcome == "ok", outcome.reason
    assert pitch(content) == pytest.approx(expected, rel=0.03)


def test_a_picture_loses_the_region_and_every_word_beside_it():
    exif = Image.Exif()
    exif[0x010E] = "CANARY DESCRIPTION"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 12.0, 0.0), 3: "E", 4: (35.0, 18.0, 0.0)})
    out = io.BytesIO()
    Image.fromarray(noise(1)).save(out, format="JPEG", quality=95, exif=exif, comment=b"CANARY")

    outcome, content = made(out.getvalue(), regions=[BOX])

    assert outcome.outcome == "ok", outcome.reason
    assert b"CANARY" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert not image.getexif()
        assert not image.info
        pixels = np.array(image)
    assert pixels[INSIDE].max() == 0
    assert pixels[:50].std() > 50


def test_a_picture_that_is_stored_turned_is_hidden_where_it_is_seen():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    out = io.BytesIO()
    Image.fromarray(noise(2)).save(out, format="JPEG", quality=95, exif=exif)

    _, content = made(out.getvalue(), regions=[{"left": 0, "top": 0, "right": 1000, "bottom": 200}])

    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (SIZE[1], SIZE[0])
        pixels = np.array(image)
    assert pixels[:64].max() == 0
    assert pixels[70:].std() > 50


def test_no_word_lies_under_a_box_of_a_document():
    pages = _pdf("CANARY NAME")
    assert b"CANARY" in pages

    outcome, content = made(pages, regions=[{"left": 0, "top": 0, "right": 1000, "bottom": 300}])

    assert outcome.outcome == "ok", outcome.reason
    assert b"CANARY" not in content
    with pypdfium2.PdfDocument(content) as made_of:
        assert len(made_of) == 1
        assert made_of[0].get_textpage().get_text_bounded().strip() == ""
        drawn = np.array(made_of[0].render(scale=1).to_pil().convert("L"))
    assert drawn[: drawn.shape[0] // 4].max() < 10
    assert drawn[drawn.shape[0] // 2 :].min() > 245


def _pdf(words):
    """A page with words at its top, as text."""
    stream = f"BT /F1 24 Tf 72 700 Td ({words}) Tj ET".encode()
    fonts = b"/Resources << /Font << /F1 5 0 R >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R %s >>" % fonts,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer << /Size 6 /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (table, len(out))
    )


def test_passages_go_from_a_text_in_whichever_case_and_spacing():
    said = "Mr CANARY  Name said; canary\nname again. Кім Канарка мовив."

    outcome, content = made(said.encode(), phrases=["Canary Name", "кім канарка"], sound="keep")

    assert outcome.outcome == "ok", outcome.reason
    text = content.decode()
    assert "anary" not in text.casefold()
    assert "Канарка" not in text
    assert text.endswith(" мовив.")


@pytest.mark.parametrize(
    ("content", "hidden", "said"),
    [
        (b"A text.", {"phrases": ["absent"]}, "not in the text"),
        (b"A text.", {}, "Name at least one passage"),
        (None, {}, "Mark at least one region"),
        (None, {"regions": [{**BOX, "right": 250}]}, "hides nothing"),
        (None, {"regions": [{**BOX, "top": -1}]}, "whole numbers"),
        (None, {"regions": [{**BOX, "style": "glass"}]}, "hides nothing"),
        (b"\0\1\2\3" * 50, {"regions": [BOX]}, "are not made"),
    ],
)
def test_what_would_hide_nothing_makes_nothing(content, hidden, said):
    content = content if content is not None else jpeg(scene(*SIZE))

    outcome, made_of = made(content, **hidden)

    assert outcome.outcome != "ok"
    assert said in outcome.reason
    assert made_of == b""


def test_frames_that_a_decoder_makes_up_are_black():
    whole = film(sound=False)
    at = whole.find(b"mdat") + 30_000
    broken = whole[:at] + b"\xff" * 4_000 + whole[at + 4_000 :]

    outcome, content = made(broken, regions=[BOX])

    assert outcome.outcome == "ok", outcome.reason
    (said,) = outcome.result["warnings"]
    assert "could not be decoded whole; they are black" in said
    black = [pixels.max() <= 24 for _, pixels in frames_of(content)]
    assert 1 <= sum(black) == int(said.split()[0])


def test_a_region_reaches_outward_to_whole_pixels():
    pixels = np.full((3, 3, 3), 200, np.uint8)
    redaction.Region(left=400, top=400, right=600, bottom=600).hide(pixels)

    assert pixels[1, 1].max() == 0
    assert (pixels == 200).sum() == 8 * 3
