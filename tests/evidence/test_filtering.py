"""Filters of the ledger under names: kept for oneself, shown to nobody else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from evidence import filtering
from evidence.models.saved_filter import SavedFilter
from tests import people

pytestmark = pytest.mark.django_db
LEDGER = "/admin/archive/entry/"


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


def test_a_filter_is_kept_used_and_forgotten(cast, client):
    client.force_login(cast.auditor)
    here = reverse("evidence:keep_filter")
    said = {"name": "Arrivals", "kind": "media.ingested", "since": "2025-01-11", "case": ""}
    client.post(here, said)
    (kept,) = SavedFilter.objects.all()
    assert kept.filters == {"kind": "media.ingested", "since": "2025-01-11"}
    text = client.get(LEDGER).content.decode()
    assert 'href="?kind=media.ingested&amp;since=2025-01-11"' in text
    client.post(here, {"name": "Arrivals", "kind": "case.opened"})
    assert SavedFilter.objects.get().filters == {"kind": "case.opened"}
    client.post(reverse("evidence:forget_filter", args=[kept.pk]))
    assert not SavedFilter.objects.exists()


def test_another_person_sees_and_forgets_none_of_them(cast, client):
    kept = filtering.keep(
        cast.auditor, name="CANARY", filters={"kind": "case.opened"}, now=people.NOW
    )
    client.force_login(cast.root)
    assert "CANARY" not in client.get(LEDGER).content.decode()
    answer = client.post(reverse("evidence:forget_filter", args=[kept.pk]))
    assert answer.status_code == 404
    assert SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("name", "filters", "words"),
    [
        ("", {"kind": "case.opened"}, "name"),
        ("x" * 81, {"kind": "case.opened"}, "name"),
        ("x", {}, "Nothing is filtered"),
        ("x", {"colour": "red"}, "Nothing is filtered"),
    ],
)
def test_what_can_t_be_kept_is_said(cast, client, name, filters, words):
    with pytest.raises(filtering.FilterError, match=words):
        filtering.keep(cast.auditor, name=name, filters=filters, now=people.NOW)
    client.force_login(cast.auditor)
    answer = client.post(reverse("evidence:keep_filter"), {"name": name, **filters}, follow=True)
    assert words in answer.content.decode()
    assert not SavedFilter.objects.exists()


def test_so_many_and_no_more(cast):
    for number in range(filtering.MOST):
        filtering.keep(
            cast.auditor, name=f"{number}", filters={"kind": "case.opened"}, now=people.NOW
        )
    with pytest.raises(filtering.FilterError, match="forget one"):
        filtering.keep(cast.auditor, name="x", filters={"kind": "case.opened"}, now=people.NOW)


def test_who_does_not_read_the_ledger_keeps_nothing(cast, client):
    client.force_login(cast.researcher)
    answer = client.post(reverse("evidence:keep_filter"), {"name": "x", "kind": "case.opened"})
    assert answer.status_code == 403
    assert not SavedFilter.objects.exists()
