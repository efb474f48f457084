"""The list of items: its period, its counts by kind and level, and what they may not count."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from evidence import classifying, intake
from evidence.formats import tables
from tests import people

pytestmark = pytest.mark.django_db
LIST = "admin:evidence_evidenceitem_changelist"


def _received(cast, title, *, days=0, case=None, kind="document"):
    receipt = intake.receive(
        [title.encode()],
        filename="a.txt", media_type="text/plain", case=case or cast.case,
        user=cast.researcher if case is None else cast.outsider,
        description=intake.Description(title=title, kind=kind),
        acquisition=intake.AcquisitionFacts(), now=people.NOW + timedelta(days=days),
    )  # fmt: skip
    return receipt.item


@pytest.fixture
def cast(opened_log):
    return people.make_cast()


def _titles(client, query):
    page = client.get(reverse(LIST) + query).content.decode()
    return set(re.findall(r"ITEM-[A-Z]", page))


def test_the_list_is_narrowed_to_days_of_receipt(cast, client):
    for number, name in enumerate(("ITEM-A", "ITEM-B", "ITEM-C")):
        _received(cast, name, days=number)
    client.force_login(cast.researcher)
    first, second = (f"{people.NOW + timedelta(days=number):%Y-%m-%d}" for number in (0, 1))
    assert _titles(client, f"?received_since={second}") == {"ITEM-B", "ITEM-C"}
    assert _titles(client, f"?received_until={second}") == {"ITEM-A", "ITEM-B"}
    assert _titles(client, f"?received_since={first}&received_until={first}") == {"ITEM-A"}
    assert _titles(client, "?received_since=someday") == {"ITEM-A", "ITEM-B", "ITEM-C"}


def test_the_period_keeps_the_other_filters_and_the_words(cast, client):
    _received(cast, "ITEM-A")
    _received(cast, "ITEM-B", kind="statement")
    client.force_login(cast.researcher)
    day = f"{people.NOW:%Y-%m-%d}"
    query = f"?kind__exact=statement&q=item&received_since={day}"
    assert _titles(client, query) == {"ITEM-B"}
    page = client.get(reverse(LIST) + query).content.decode()
    assert '<input type="hidden" name="kind__exact" value="statement">' in page
    assert '<input type="hidden" name="q" value="item">' in page


def test_counts_by_kind_and_level_count_only_what_one_may_see(cast, client):
    mine = _received(cast, "ITEM-A")
    _received(cast, "ITEM-B")
    _received(cast, "ITEM-D", case=cast.other_case)
    client.force_login(cast.researcher)
    address = reverse(LIST) + "?_facets=True"

    def counts():
        page = client.get(address).content.decode()
        return dict(re.findall(r">\s*(Document|Internal|Sealed) \((\d+)\)", page))

    assert counts() == {"Document": "2", "Internal": "2", "Sealed": "0"}
    classifying.raise_to(
        cast.case.items.get(pk=mine), level="sealed", markers=[], reason="It must.",
        user=cast.researcher, now=people.NOW,
    )  # fmt: skip
    assert counts() == {"Document": "1", "Internal": "1", "Sealed": "0"}


def _table(client, query=""):
    answer = client.get(reverse("admin:evidence_evidenceitem_table") + query)
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith(tables.BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(tables.BOM))))


def test_the_table_has_exactly_what_the_list_shows(cast, client):
    for number, name in enumerate(("ITEM-A", "ITEM-B", "ITEM-C")):
        _received(cast, name, days=number, kind="image" if number else "document")
    _received(cast, "=1+1 ITEM-D")
    client.force_login(cast.researcher)
    for query in ("", "?kind__exact=image", "?q=ITEM-B", "?received_since=2026-01-16"):
        page, rows = client.get(reverse(LIST) + query).content.decode(), _table(client, query)
        assert {row["exhibit_number"] for row in rows} == set(re.findall(r"TEST-001-\d{4}", page))
    assert [row["title"] for row in _table(client, "?q=ITEM-D")] == ["'=1+1 ITEM-D"]
    assert "Save this list" in client.get(reverse(LIST)).content.decode()


def test_the_table_has_nothing_of_another_case_and_nothing_for_who_has_no_case(cast, client):
    _received(cast, "ITEM-A")
    for user, number in ((cast.researcher, 1), (cast.stranger, 0), (cast.root, 0)):
        client.force_login(user)
        assert len(_table(client)) == number
    client.force_login(cast.administrator)
    assert client.get(reverse("admin:evidence_evidenceitem_table")).status_code in {302, 403}
