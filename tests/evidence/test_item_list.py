"""The list of items: its period, its counts by kind and level, and what they may not count."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from evidence import classifying, intake
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
