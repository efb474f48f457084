"""A case at a glance tells of what one may see; its numbers are those of the lists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from evidence import classifying, surveying
from evidence.models.case import CaseMembership
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
NOW = people.NOW


@pytest.fixture
def cast(opened_log) -> people.Cast:
    cast = people.make_cast()
    sayings.item(cast, kind="statement", content=b"words")
    sayings.item(cast, kind="image", content=b"a picture")
    sayings.item(cast, kind="image", content=b"another picture")
    people.upload(cast.other_case, cast.stranger, content=b"elsewhere")
    return cast


def look(cast, user=None):
    return surveying.survey(cast.case, user=user or cast.researcher, now=NOW)


def test_kinds_levels_and_room_are_of_this_case_alone(cast):
    seen = look(cast)
    assert seen.items == 3
    assert [(one.name, one.number) for one in seen.kinds] == [("Image", 2), ("Statement", 1)]
    assert [(one.name, one.number, one.percent) for one in seen.levels] == [("Internal", 3, 100.0)]
    assert (seen.originals, seen.original_bytes) == (3, len(b"wordsa pictureanother picture"))
    assert [file.size for file in seen.largest] == [15, 9, 5]


def test_each_number_is_that_of_the_list_it_leads_to(cast):
    client = Client()
    client.force_login(cast.researcher)
    for one in (*look(cast).kinds, *look(cast).levels):
        page = client.get(reverse("admin:evidence_evidenceitem_changelist") + one.query)
        assert page.context["cl"].result_count == one.number


def test_what_is_sealed_is_in_no_number(cast):
    item = sayings.item(cast, kind="video", content=b"x" * 1000)
    classifying.raise_to(
        item, level="sealed", markers=[], reason="Seen.", user=cast.researcher, now=NOW
    )
    seen = look(cast)
    assert seen.items == 3
    assert "Video" not in [one.name for one in seen.kinds]
    assert seen.original_bytes < 1000
    assert all(file.item_id != item.pk for file in seen.largest)


def test_members_are_named_with_their_role_while_it_lasts(cast):
    CaseMembership.objects.create(
        case=cast.case, user=cast.outsider, role="reviewer", until=NOW + timedelta(days=1)
    )
    CaseMembership.objects.create(
        case=cast.case, user=cast.root, role="lead", until=NOW - timedelta(days=1)
    )
    found = {(one.name, one.role) for one in look(cast).members}
    assert ("outsider", "Reviewer") in found
    assert ("researcher", "Researcher") in found
    assert not any(name in {"root", "stranger"} for name, _ in found)


def test_the_page_leads_into_the_case(cast):
    client = Client()
    client.force_login(cast.researcher)
    page = client.get(reverse("evidence:case", args=[cast.case.pk])).content.decode()
    for name in ("claims", "people", "case_timeline", "case_map", "clusters", "imports"):
        assert reverse(f"evidence:{name}", args=[cast.case.pk]) in page


def test_an_empty_case_is_a_page_too(cast):
    empty = people.describing.open_case(
        people.Case(reference="TEST-003", title="Empty", opened_at=NOW), user=cast.root, now=NOW
    )
    CaseMembership.objects.create(case=empty, user=cast.researcher, role="researcher")
    client = Client()
    client.force_login(cast.researcher)
    answer = client.get(reverse("evidence:case", args=[empty.pk]))
    assert answer.status_code == 200
    assert "No item yet." in answer.content.decode()
