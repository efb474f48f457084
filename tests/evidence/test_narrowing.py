"""The same filters narrow every view of a case, on its pages and for programs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evidence import claiming, classifying, narrowing, tokens
from evidence.models.item import EvidenceItem
from evidence.narrowing import Narrowing
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
VIEWS = ("case", "claims", "case_timeline", "case_map", "case_relations", "clusters")
PATHS = ("", "/claims", "/timeline", "/places", "/relations", "/clusters")


@pytest.fixture
def said(opened_log):
    cast = people.make_cast()
    told = sayings.make(cast)
    by = {"user": cast.researcher, "now": people.NOW}
    for item, text in (
        (told.statement, "CLAIM-OF-THE-STATEMENT"),
        (told.card, "CLAIM-OF-THE-CARD"),
    ):
        claiming.claim(
            cast.case, text=text, asserted_in=item, happened_at="2025-01-09",
            happened_where=f"where {text}", about=[{"person": str(told.person.person)}], **by,
        )  # fmt: skip
    claiming.claim(cast.case, text="CLAIM-OF-NOTHING", happened_at="2025-01-08", **by)
    EvidenceItem.objects.filter(pk=told.card.pk).update(kind="identity_document")
    return told


def page(client, said, view, query=""):
    client.force_login(said.cast.researcher)
    return client.get(reverse(f"evidence:{view}", args=[said.cast.case.pk]) + query)


@pytest.mark.parametrize("view", ["claims", "case_timeline", "case_map", "case_relations"])
def test_a_view_tells_what_the_chosen_items_tell_and_no_more(said, client, view):
    card, statement = said.card.exhibit_number, said.statement.exhibit_number
    whole = page(client, said, view).content.decode()
    assert card in whole or "CLAIM-OF-THE-CARD" in whole
    assert statement in whole or "CLAIM-OF-THE-STATEMENT" in whole

    text = page(client, said, view, "?kind=identity_document").content.decode()

    assert card in text or "CLAIM-OF-THE-CARD" in text
    assert statement not in text
    assert "CLAIM-OF-THE-STATEMENT" not in text
    assert "CLAIM-OF-NOTHING" not in text


def test_the_overview_counts_the_chosen_items_and_leads_to_just_these(said, client):
    text = page(client, said, "case", "?kind=identity_document").content.decode()
    assert "1 item that you may see" in text
    client.force_login(said.cast.researcher)
    addresses = re.findall(r'href="(/admin/evidence/evidenceitem/\?[^"]+)"', text)
    assert len(addresses) == 3, "to the items, and for a kind and a level"
    for address in addresses:
        listed = client.get(address.replace("&amp;", "&")).content.decode()
        assert said.card.exhibit_number in listed
        assert said.statement.exhibit_number not in listed


def test_the_filters_go_along_from_view_to_view(said, client):
    query = "kind=statement&received_since=2020-01-01"
    for view in VIEWS:
        text = page(client, said, view, f"?{query}").content.decode().replace("&amp;", "&")
        for other in VIEWS:
            address = reverse(f"evidence:{other}", args=[said.cast.case.pk])
            assert f'href="{address}?{query}"' in text, (view, other)


@pytest.mark.parametrize("view", VIEWS)
def test_how_many_items_words_find_is_said_where_words_are_given(said, client, view):
    for query, is_told in (("?q=the", True), ("?kind=statement", False), ("", False)):
        text = page(client, said, view, query).content.decode()
        assert ("Words find at most 1,000 items, the newest" in text) is is_told


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_no_kind_and_no_day_is_said_at_its_field(said, client, view):
    answer = page(client, said, view, "?kind=nothing&received_since=soon")
    assert answer.status_code == 400
    assert answer.content.decode().count("errorlist") == 2


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        (Narrowing(q="that I was going to train"), True),  # words of the statement
        (Narrowing(q="nowhere said"), False),
        (Narrowing(level="internal"), True),
        (Narrowing(level="public"), False),
        (Narrowing(received_since=people.NOW, received_until=people.NOW + timedelta(1)), True),
        (Narrowing(received_until=people.NOW), False),
        (Narrowing(received_since=people.NOW + timedelta(1)), False),
    ],
)
def test_each_filter_narrows(said, asked, is_found):
    found = narrowing.among(said.cast.case, user=said.cast.researcher, asked=asked)
    assert found.filter(pk=said.statement.pk).exists() == is_found


def test_a_day_is_whole(said, client):
    day = f"{people.NOW:%Y-%m-%d}"
    text = page(client, said, "claims", f"?received_since={day}&received_until={day}")
    assert "CLAIM-OF-THE-CARD" in text.content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_too(said, client, day):
    query = f"?received_{'since' if day < '2000' else 'until'}={day}"
    for view in VIEWS:
        assert page(client, said, view, query).status_code == 200


def test_no_filter_shows_what_may_not_be_viewed(said, client):
    classifying.raise_to(
        said.card, level="sealed", markers=[], reason="x", user=said.cast.researcher,
        now=people.NOW,
    )  # fmt: skip
    for query in ("?kind=identity_document", "?level=sealed", "?q=card"):
        for view in VIEWS:
            text = page(client, said, view, query).content.decode()
            assert said.card.exhibit_number not in text
            assert "CLAIM-OF-THE-CARD" not in text


@pytest.mark.parametrize("path", PATHS)
def test_programs_narrow_alike(said, client, path):
    now = timezone.now()
    _, secret = tokens.issue(
        said.cast.researcher, label="test", scopes=["read"], expires_at=now + timedelta(1), now=now
    )
    headers = {"Authorization": f"Bearer {secret}"}
    address = f"/api/v1/cases/{said.cast.case.pk}{path}"
    whole = client.get(address, headers=headers)
    narrowed = client.get(address, {"kind": "identity_document"}, headers=headers)
    nothing = client.get(address, {"q": "nowhere said"}, headers=headers)
    assert [one.status_code for one in (whole, narrowed, nothing)] == [200] * 3
    assert str(said.statement.pk) not in narrowed.content.decode()
    assert str(said.card.pk) not in nothing.content.decode()
    if path not in {"", "/clusters"}:
        assert str(said.card.pk) in narrowed.content.decode()
        assert len(narrowed.content) < len(whole.content)
