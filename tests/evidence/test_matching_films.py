"""A film comes back encoded anew, captioned, with bars, mirrored, cut: it is found, and where."""

from __future__ import annotations

import io
from functools import cache

import av
import pytest
from django.urls import reverse
from PIL import Image, ImageDraw, ImageOps

from archive import custody
from evidence import matching
from evidence.fingerprints import PDQ, blocks, frames
from evidence.fingerprints.packed import distance
from evidence.matching import kept, pictures
from seeds.kursk_2025.make_media import MEDIA
from tests import people
from tests.evidence.extractors.made import ask, film, parts, refilmed, scene
from tests.evidence.worked import worked_out


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """Each test begins like a new process."""
    monkeypatch.setattr(pictures, "KEPT", kept.Kept())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def smaller(image):
    return image.resize((426, 240))


def captioned(image):
    image = image.copy()
    draw = ImageDraw.Draw(image)
    width, height = image.size
    draw.rectangle((0, int(height * 0.86), width, height), fill=(180, 20, 20))
    draw.text((20, int(height * 0.9)), "BREAKING: FOOTAGE RELEASED TODAY", fill="white")
    draw.rectangle((width - 70, 10, width - 10, 40), fill="white")
    return image


def letterboxed(image):
    frame = Image.new("RGB", (image.width, image.height * 4 // 3))
    frame.paste(image, (0, image.height // 6))
    return frame


def closer(image):
    x, y = image.width // 20, image.height // 20
    return image.crop((x, y, image.width - x, image.height - y))


def everything(image):
    return letterboxed(ImageOps.mirror(captioned(image)))


#: What is done to the example's film, and the offset in it (ms) at which the copy begins.
CHANGES = {
    "encoded anew, smaller": ({"change": smaller, "crf": 38}, 0),
    "captioned": ({"change": captioned}, 0),
    "letterboxed": ({"change": letterboxed}, 0),
    "mirrored": ({"change": ImageOps.mirror}, 0),
    "a part of it": ({"begin": 7.4, "end": 14.4}, 7_400),
    "closer": ({"change": closer}, 0),
    "everything": ({"change": everything, "begin": 5, "end": 13, "crf": 33}, 5_000),
}


@cache
def original():
    return (MEDIA / "service-video.mp4").read_bytes()


def received(content, case, user, **more):
    return worked_out(
        content, case, user, "frames", filename="film.mp4", media_type="video/mp4", **more
    )


def test_each_changed_copy_finds_the_original_and_says_where_and_the_original_finds_it(cast):
    whole = received(original(), cast.case, cast.researcher, kind="video")
    unrelated = [
        received(film(6, size=(320, 240)), cast.case, cast.researcher, kind="video"),
        received(refilmed(film(6), lambda image: image.rotate(90)), cast.case, cast.researcher),
    ]
    copies = {}
    for name, (change, _) in CHANGES.items():
        copies[name] = received(refilmed(original(), **change), cast.case, cast.researcher)

    for name, copy in copies.items():
        offset = CHANGES[name][1]
        leads = {lead.item: lead for lead in matching.by_sight(copy, user=cast.researcher)}
        lead = leads[whole]
        assert lead.is_strong, (name, lead)
        assert lead.overlay.offset_ms == pytest.approx(offset, abs=1_000), name
        assert lead.overlay.position == ("mirrored" if name in {"mirrored", "everything"} else "")
        assert not set(unrelated) & leads.keys(), name
        assert 0 < lead.by_chance < 0.01, name
    back = {lead.item: lead for lead in matching.by_sight(whole, user=cast.researcher)}
    assert set(back) == set(copies.values())
    assert back[copies["a part of it"]].overlay.offset_ms == pytest.approx(-7_400, abs=1_000)
    assert back[copies["a part of it"]].asked_at_ms == pytest.approx(7_400, abs=1_500)


def test_what_moves_little_is_said_to_agree_anywhere_and_what_does_not_is_not(cast):
    still = film(12, size=(320, 240), rate=2)
    with av.open(io.BytesIO(still)) as source:
        first = next(source.decode(source.streams.video[0])).to_image()
    held = refilmed(still, lambda _: first)
    one = received(held, cast.case, cast.researcher)
    received(refilmed(held, begin=3, end=10), cast.case, cast.researcher)
    moving = received(original(), cast.case, cast.researcher)
    received(refilmed(original(), begin=4), cast.case, cast.researcher)

    [lead] = matching.by_sight(one, user=cast.researcher)
    [other] = matching.by_sight(moving, user=cast.researcher)

    assert lead.overlay.is_anywhere
    assert not other.overlay.is_anywhere


def test_a_picture_that_is_a_frame_finds_the_film_and_the_moment_and_the_film_finds_it(cast):
    whole = received(original(), cast.case, cast.researcher)
    with av.open(io.BytesIO(original())) as source:
        frame = next(one for one in source.decode(video=0) if one.time >= 12)
        image = frame.to_image()
    out = io.BytesIO()
    ImageOps.mirror(image).resize((400, 225)).save(out, format="JPEG", quality=70)
    still = worked_out(
        out.getvalue(),
        cast.case,
        cast.researcher,
        PDQ,
        filename="still.jpg",
        media_type="image/jpeg",
    )

    [lead] = matching.by_sight(still, user=cast.researcher)
    [back] = matching.by_sight(whole, user=cast.researcher)

    assert (lead.item, back.item) == (whole, still)
    assert lead.distance <= matching.REVIEW
    assert lead.found_at_ms == pytest.approx(12_000, abs=1_000)
    assert back.asked_at_ms == pytest.approx(12_000, abs=1_000)
    assert (lead.overlay, back.overlay, back.found_at_ms) == (None, None, None)


def test_a_film_one_may_not_view_is_no_lead(cast):
    ours = received(original(), cast.case, cast.researcher)
    received(refilmed(original(), smaller), cast.other_case, cast.stranger)

    assert matching.by_sight(ours, user=cast.researcher) == []
    assert matching.by_sight(ours, user=cast.auditor) == []


def test_the_page_says_what_agrees_and_from_when(cast, client):
    whole = received(original(), cast.case, cast.researcher)
    part = received(refilmed(original(), begin=7.4, end=14.4), cast.case, cast.researcher)
    client.force_login(cast.researcher)

    page = client.get(reverse("evidence:similar", args=[part.pk])).content.decode()

    assert whole.exhibit_number in page
    assert "7 of 7 seconds agree" in page
    assert "0:00 here is about 0:07 there" in page


def base(content):
    """The whole frames' fingerprints, as the sandbox hands them over."""
    outcome, found = parts("frames", content)
    assert outcome.outcome == "ok", outcome.reason
    return [one for one in found if one.variant == "base"]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_has_the_fingerprints_of_the_upright_one(degrees):
    upright = base(refilmed(original(), end=3))
    # Filmed with the telephone turned: the pixels lie, and the film says how to show them.
    lying = refilmed(
        original(), lambda image: image.rotate(degrees, expand=True), end=3, turn=degrees
    )

    found = base(lying)

    assert len(found) == len(upright) == 3
    for one, other in zip(found, upright, strict=True):
        assert distance(one.value, other.value) <= 12


def test_a_long_film_is_compared_at_fewer_moments_and_says_so(monkeypatch):
    monkeypatch.setattr(frames, "MOST", 5)
    monkeypatch.setattr(frames, "ALL_FRAMES_MS", 10_000)
    output = io.BytesIO()

    answer = frames.fingerprint(io.BytesIO(original()), {}, output)

    found = [one.at_ms for one in blocks.read(answer["parts"], output) if one.variant == "base"]
    assert found == pytest.approx([0, 4_000, 8_000, 12_000, 16_000], abs=200)
    assert answer["parameters"]["every_ms"] >= 4_000
    assert answer["parameters"]["frames"] != "all"


def test_sound_alone_and_bytes_that_break_off_have_their_outcome():
    whole = refilmed(original())

    assert ask("frames", whole[: len(whole) // 2]).outcome in {"ok", "malformed"}
    assert ask("frames", b"no film" * 100).outcome in {"malformed", "unsupported"}


def test_frames_of_a_film_have_the_fingerprint_of_their_picture():
    """The decoder's plane instead of a colour picture of at most 512 pixels."""
    found = base(film(3, size=(320, 180)))

    for number in range(3):
        out = io.BytesIO()
        scene(320, 180, seed=number).save(out, format="PNG")
        picture = ask(PDQ, out.getvalue()).result["fingerprints"][0]
        assert distance(found[number].value, picture["value"]) <= 12
        assert found[number].quality == pytest.approx(picture["quality"], abs=15)
