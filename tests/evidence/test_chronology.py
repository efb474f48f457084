"""Times and places of a case: each as it was given, with its basis, and only what one may view."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from archive import custody
from archive.proof import events
from evidence import chronology, claiming, classifying, identifying, intake, testimony
from evidence.chronology import LANES, Period
from tests import people
from tests.evidence import sayings
from tests.evidence.extractors.made import gps_tags, jpeg
from tests.evidence.worked import worked_out

pytestmark = pytest.mark.django_db
TAKEN, OFFSET = 0x9003, 0x9011
KYIV_TIME = "2025-01-11T18:00+02:00"


def _by(cast):
    return {"user": cast.researcher, "now": people.NOW}


@pytest.fixture
def said(opened_log):
    cast = people.make_cast()
    return sayings.make(cast)


def _told(said, *, period=Period(), lanes=LANES, user=None):  # noqa: B008 - frozen
    return chronology.timeline(
        said.cast.case, user=user or said.cast.researcher, period=period, lanes=lanes
    )


def _claim(said, **more):
    return claiming.claim(said.cast.case, text="One was captured.", **more, **_by(said.cast))


def test_a_claimed_time_is_shown_as_it_was_given_and_in_utc(said):
    claim = _claim(said, happened_at=KYIV_TIME)
    (row,) = _told(said, lanes=["happened"]).rows
    assert (row.claim, row.when.text, row.basis) == (claim, KYIV_TIME, "claimed")
    assert row.when.in_utc == "2025-01-11 16:00 UTC"


def test_what_rests_on_different_things_stands_in_different_lanes(said):
    content = jpeg(exif={TAKEN: "2025:01:11 18:00:00", OFFSET: "+02:00"})
    picture = worked_out(
        content, said.cast.case, said.cast.researcher, "exif",
        filename="a.jpg", media_type="image/jpeg",
    )  # fmt: skip
    _claim(said, happened_at="2025-01-09", asserted_at="2025-01-11")
    testimony.record(
        said.statement, form="oral", began_at="2025-01-10T10:00+02:00",
        ended_at="2025-01-10T11:00+02:00", **_by(said.cast),
    )  # fmt: skip
    identifying.describe(
        said.card, document_type="military_id", found_when="2025-01", **_by(said.cast)
    )
    rows = _told(said).rows
    by_lane = {row.lane: row for row in rows if row.lane != "received"}
    assert set(by_lane) == {"happened", "said", "stated", "found", "recorded"}
    assert by_lane["stated"].when.text == "2025-01-10T10:00+02:00/2025-01-10T11:00+02:00"
    recorded = by_lane["recorded"]
    assert recorded.item == picture
    assert recorded.when.in_utc == "2025-01-11 16:00 UTC"
    assert "+02:00" in recorded.when.text
    starts = [row.when.earliest for row in rows]
    assert starts == sorted(starts)


def test_a_described_time_spans_what_its_text_leaves_open(said):
    receipt = intake.receive(
        [b"a picture"],
        filename="a.txt", media_type="text/plain", case=said.cast.case, user=said.cast.researcher,
        description=intake.Description(
            title="A", kind="document", authored_text="2025-01~", authored_basis="claimed"
        ),
        acquisition=intake.AcquisitionFacts(acquired_at_text="2025-02-01T09:00Z"),
        now=people.NOW,
    )  # fmt: skip
    made, acquired = (_told(said, lanes=[lane]).rows[0] for lane in ("made", "acquired"))
    assert str(made.item.pk) == str(receipt.item)
    assert made.when.doubts == "about"
    assert made.item.authored_earliest == datetime(2025, 1, 1, tzinfo=UTC)
    assert made.item.authored_latest > datetime(2025, 1, 31, tzinfo=UTC)
    assert acquired.when.text == "2025-02-01T09:00Z"
    assert acquired.basis == "clock: unknown"


def test_a_period_keeps_what_may_have_happened_in_it(said):
    for text in ("2024", "2025-01-09", "2025-01-11/..", "../2025-01-01"):
        _claim(said, happened_at=text)

    def shown(since, until):
        period = Period(since and since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC))
        return {row.when.text for row in _told(said, period=period, lanes=["happened"]).rows}

    assert shown(datetime(2025, 1, 10), None) == {"2025-01-11/.."}  # noqa: DTZ001 - zoned above
    assert shown(None, datetime(2025, 1, 5)) == {"2024", "../2025-01-01"}  # noqa: DTZ001
    assert shown(datetime(2025, 1, 9), datetime(2025, 1, 9)) == {"2025-01-09"}  # noqa: DTZ001


def test_what_cannot_be_read_is_listed_as_it_was_written(said):
    identifying.describe(
        said.card, document_type="military_id", found_when="in the autumn", **_by(said.cast)
    )
    told = _told(said)
    assert [(one.words, one.item) for one in told.unread] == [("in the autumn", said.card)]
    assert told.undated == 3


@pytest.mark.parametrize("name", ["asserted_at", "happened_at"])
def test_a_claim_refuses_a_date_that_cannot_be_read(said, name):
    with pytest.raises(claiming.UnclearError, match="Write a date as"):
        _claim(said, **{name: "last autumn"})


def test_a_position_comes_with_its_basis_and_can_be_read(said):
    with pytest.raises(claiming.UnclearError, match="Write a position as"):
        _claim(said, position="Kursk", position_basis="named")
    with pytest.raises(claiming.UnclearError, match="what it rests on"):
        _claim(said, position="51.7 N, 36.2 E")


def test_places_keep_their_words_hemisphere_and_basis(said):
    content = jpeg(gps=gps_tags(((51, 1), (30, 1), (0, 1)), "S", ((35, 1), (15, 1), (0, 1)), "W"))
    worked_out(
        content, said.cast.case, said.cast.researcher, "exif",
        filename="a.jpg", media_type="image/jpeg",
    )  # fmt: skip
    _claim(
        said, happened_where="Kursk region", position="51.7 N, 36.2 E",
        position_within_m=150_000, position_basis="named",
    )  # fmt: skip
    _claim(said, happened_where="Somewhere in Russia")
    told = chronology.places_of(said.cast.case, user=said.cast.researcher)
    file, claimed = told.sights
    assert (file.latitude, file.longitude) == (-51.5, -35.25)
    assert file.basis == "embedded metadata: EXIF"
    assert claimed.written == "Kursk region (51.7 N, 36.2 E)"
    assert (claimed.latitude, claimed.longitude, claimed.within_m) == (51.7, 36.2, 150_000)
    assert claimed.basis == "claimed; where the place that the words name lies"
    assert [one.words for one in told.in_words] == ["Somewhere in Russia"]


def _sealed(said):
    """Claim something in the statement, then seal it."""
    claiming.claim(
        said.cast.case, text="SECRET claim", asserted_in=said.statement, happened_at="2025-01-09",
        happened_where="SECRET place", position="51.7 N, 36.2 E", position_basis="named",
        **_by(said.cast),
    )  # fmt: skip
    classifying.raise_to(
        said.statement, level="sealed", markers=[], reason="It must.", **_by(said.cast)
    )


def test_nothing_of_what_one_may_not_view_is_told(said, client):
    _sealed(said)
    client.force_login(said.cast.researcher)
    for name in ("case_timeline", "case_map"):
        page = client.get(reverse(f"evidence:{name}", args=[said.cast.case.pk]))
        assert page.status_code == 200
        assert b"SECRET" not in page.content
    assert not _told(said, lanes=["happened"]).rows


def test_looks_at_restricted_content_are_recorded_once(said, client):
    classifying.raise_to(
        said.statement, level="restricted", markers=[], reason="It must.", **_by(said.cast)
    )
    client.force_login(said.cast.researcher)
    address = reverse("evidence:case_timeline", args=[said.cast.case.pk]) + "?show=received"
    for _ in range(2):
        client.get(address)
    entries = list(custody.entries(kind=events.ItemAccessed.kind, item=said.statement.pk))
    assert len(entries) == 1


def test_the_page_filters_by_its_address(said, client):
    _claim(said, happened_at="2025-01-09")
    client.force_login(said.cast.researcher)
    address = reverse("evidence:case_timeline", args=[said.cast.case.pk])
    shown = client.get(address + "?since=2025-01-09&until=2025-01-09&show=happened")
    assert "One was captured." in shown.content.decode()
    assert len(re.findall(r'<rect class="bar', shown.content.decode())) == 1
    empty = client.get(address + "?since=2026&show=happened")
    assert "One was captured." not in empty.content.decode()
    wrong = client.get(address + "?since=someday")
    assert wrong.status_code == 400
    assert "Write a date as" in wrong.content.decode()


def test_the_map_asks_nothing_of_anybody(said, client):
    _claim(said, position="51.7 N, 36.2 E", position_basis="claimed")
    client.force_login(said.cast.researcher)
    address = reverse("evidence:case_map", args=[said.cast.case.pk])
    for query in ("", "?nearer=2&at=1", "?nearer=x&at=99", "?nearer=--5", "?nearer=99999"):
        page = client.get(address + query).content.decode()
        assert '<text class="number"' in page
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_more_than_is_read_at_once_is_said(said, client, monkeypatch):
    monkeypatch.setattr(chronology, "MOST", 2)
    assert _told(said, lanes=["received"]).is_cut
    assert len(_told(said, lanes=["received"]).rows) == 2
    client.force_login(said.cast.researcher)
    address = reverse("evidence:case_timeline", args=[said.cast.case.pk])
    page = client.get(address + "?show=received")
    assert "There is more than is read at once" in page.content.decode()


def test_dates_at_the_ends_of_the_calendar_are_drawn_at_the_edge(said, client):
    for text in ("0001", "9999", "9999-12-31T23:59Z", "2025-01-09"):
        _claim(said, happened_at=text)
    client.force_login(said.cast.researcher)
    page = client.get(reverse("evidence:case_timeline", args=[said.cast.case.pk]))
    assert page.status_code == 200
    assert page.content.decode().count('<rect class="bar') == 4


def test_a_statement_of_which_only_the_end_is_known_began_before_it(said):
    testimony.record(
        said.statement, form="oral", ended_at="2025-01-10T11:00+02:00", **_by(said.cast)
    )
    (row,) = _told(said, lanes=["stated"]).rows
    assert (row.when.text, row.when.earliest) == ("../2025-01-10T11:00+02:00", None)
