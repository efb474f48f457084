"""What does not fit together is said; what only lacks a zone is not made a contradiction."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from html import unescape

import pytest
from django.urls import reverse
from PIL import Image

from archive import custody
from evidence import presenting
from evidence.contradicting import Place, Said, contradictions
from evidence.models.item import EvidenceItem
from tests import people
from tests.evidence.worked import worked_out

OFFSET = "explicit_offset"


def told(tool, *, gps=None, **times):
    return tool, {
        "parsed": {
            "times": {
                name: {"raw": text, "instant": text if basis else None, "local": text[:19],
                       "zone_basis": basis or "unknown"}
                for name, (text, basis) in times.items()
            },
            "gps": gps and {"lat": gps[0], "lon": gps[1], "raw": {}},
        }
    }  # fmt: skip


ONE = told("EXIF", taken=("2025-01-09T10:00:00+02:00", OFFSET))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (told("XMP", taken=("2025-01-09T08:00:30+00:00", "utc")), 0),
        (told("XMP", taken=("2025-01-09T08:10:00+00:00", "utc")), 1),
        # Without a zone the same moment may be written as any of a day's hours.
        (told("XMP", taken=("2025-01-09T22:00:00", "")), 0),
        (told("XMP", taken=("2025-01-10T10:00:00", "")), 1),
        (told("Film", created=("2025-01-09T10:00:00+00:00", "assumed")), 0),
        (told("Film", stream_0_created=("2025-01-11T10:00:00+00:00", "assumed")), 1),
        # When it was changed or described says nothing of when it was recorded.
        (told("XMP", modified=("2025-01-12T10:00:00+00:00", "utc")), 0),
    ],
)
def test_two_clocks_contradict_only_beyond_every_zone_that_is_not_given(other, expected):
    found = contradictions([ONE, other], Said())

    assert len(found) == expected
    assert all("2025-01-09T10:00:00+02:00" in one for one in found)


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ((51.18, 35.26), (51.181, 35.262), []),
        ((51.18, 35.26), (50.45, 30.52), ["342 km"]),
        # A hemisphere lost on the way: the sign of the longitude.
        ((51.18, 35.26), (51.18, -35.26), ["4,750 km"]),
        # The far side of the date line is near.
        ((10.0, 179.999), (10.0, -179.999), []),
    ],
)
def test_two_places_contradict_by_their_distance_on_the_globe(here, there, expected):
    found = contradictions([told("EXIF", gps=here), told("XMP", gps=there)], Said())

    assert len(found) == len(expected)
    for one, distance in zip(found, expected, strict=True):
        kilometres = int(one.split(" lie ")[1].split(" km")[0].replace(",", ""))
        assert kilometres == pytest.approx(int(distance[:-3].replace(",", "")), rel=0.05)


def test_the_description_is_held_against_the_file():
    said = Said(
        earliest=datetime(2025, 1, 11, tzinfo=UTC),
        latest=datetime(2025, 1, 12, tzinfo=UTC),
        made="2025-01-11",
        is_coarse=True,
        place=Place("Description", 50.45, 30.52),
        precision=5_000,
    )

    found = contradictions([ONE, told("EXIF", gps=(51.18, 35.26))], said)

    assert len(found) == 2
    assert "earlier than the description's" in found[0]
    assert "2025-01-11" in found[0]
    assert "from the description's" in found[1]
    assert not contradictions([told("EXIF", gps=(50.46, 30.55))], said)
    # The end of a day somewhere is a day later elsewhere.
    assert not contradictions([told("E", taken=("2025-01-12T09:00:00+00:00", "utc"))], said)


def test_nothing_is_recorded_after_it_was_acquired_or_arrived():
    before = datetime(2025, 1, 8, tzinfo=UTC)

    assert "after it was acquired" in contradictions([ONE], Said(acquired=[before]))[0]
    assert "after it arrived" in contradictions([ONE], Said(arrived=before))[0]
    after = datetime(2025, 1, 10, tzinfo=UTC)
    assert contradictions([ONE], Said(acquired=[after], arrived=after)) == []


def test_a_file_that_contradicts_its_description_says_so_on_the_items_page(
    committed_database, client
):
    custody.open_log()
    cast = people.make_cast()
    image = Image.new("RGB", (64, 48), "white")
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2031:05:06 07:08:09", 0x9011: "+03:00"})
    out = io.BytesIO()
    image.save(out, format="JPEG", exif=exif)
    item = worked_out(
        out.getvalue(), cast.case, cast.researcher, "exif",
        filename="a.jpg", media_type="image/jpeg",
    )  # fmt: skip

    found = presenting.contradictions(EvidenceItem.objects.get(pk=item.pk))
    client.force_login(cast.researcher)
    page = client.get(
        reverse("admin:evidence_evidenceitem_change", args=[item.pk])
    ).content.decode()

    assert len(found) == 1
    assert found[0] in unescape(page)
    assert "after it arrived here" in found[0]
    assert "2031:05:06 07:08:09 +03:00" in found[0]
