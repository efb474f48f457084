"""Hundreds of items ticked in the list reach the page that acts on them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from evidence import amending, choosing
from evidence.models.case import CaseMembership
from evidence.models.export import Export
from evidence.models.item import EvidenceItem
from evidence.models.release import ReleaseRequest
from tests import people

pytestmark = pytest.mark.django_db

MANY = 120
LIST = "admin:evidence_evidenceitem_changelist"
LONGEST_ADDRESS = 4094  # bytes that the server takes in a request line


@pytest.fixture
def many(opened_log):
    cast = people.make_cast()
    for number in range(MANY):
        people.upload(cast.case, cast.researcher, content=b"%d" % number)
    CaseMembership.objects.create(case=cast.case, user=cast.root, role="lead")
    CaseMembership.objects.create(case=cast.case, user=cast.root, role="release_officer")
    return cast


def ticked(client: Client, act: str, ids) -> str:
    answer = client.post(
        reverse(LIST), {"action": act, "_selected_action": [str(one) for one in ids]}
    )
    assert answer.status_code == 302
    assert len(answer["Location"]) < LONGEST_ADDRESS
    return answer["Location"]


@pytest.mark.parametrize("number", [3, MANY])
def test_all_that_was_ticked_is_exported_asked_for_and_described(many, number):
    client = Client()
    client.force_login(many.root)
    ids = list(EvidenceItem.objects.values_list("pk", flat=True)[:number])

    export = ticked(client, "export_selected", ids)
    page = client.get(export)
    assert len(page.context["items"]) == number
    carried = {page.context["carried"].name: page.context["carried"].value}
    client.post(reverse("evidence:export_new"), {**carried, "recipient": "x", "purpose": "y"})
    assert Export.objects.get().items.count() == number

    release = ticked(client, "ask_for_release", ids)
    brought = client.get(release).context["carried"]
    carried = {brought.name: brought.value}
    said = {"recipient": "x", "recipient_class": "court", "purpose": "y"}
    client.post(reverse("evidence:release_new"), {**carried, **said})
    assert len(ReleaseRequest.objects.get().items) == number

    several = ticked(client, "describe_selected", ids)
    assert len(client.get(several).context["items"]) == number


def test_a_choice_is_nobody_else_s_and_is_looked_up_anew(many):
    ids = list(EvidenceItem.objects.values_list("pk", flat=True))
    client = Client()
    client.force_login(many.root)
    address = ticked(client, "export_selected", ids)
    other = Client()
    other.force_login(many.release_officer)
    assert not other.get(address).context["items"]  # the name leads nowhere in another session
    CaseMembership.objects.filter(user=many.root).delete()
    assert client.get(address).status_code == 404


def test_more_than_are_corrected_at_once_is_said(many, monkeypatch):
    monkeypatch.setattr(amending, "MOST", 100)
    client = Client()
    client.force_login(many.root)
    ids = EvidenceItem.objects.values_list("pk", flat=True)
    answer = client.get(ticked(client, "describe_selected", ids))
    assert answer.status_code == 400
    assert "At most 100 items" in answer.content.decode()


def test_a_session_keeps_a_few_choices(rf):
    request = rf.get("/")
    request.session = {}
    for _ in range(choosing.KEPT + 5):
        choosing.remember(request, range(choosing.FEW + 1))
    assert len(request.session[choosing.CHOICES]) == choosing.KEPT


def test_the_export_page_leads_to_the_release_that_is_needed(opened_log):
    cast = people.make_cast()
    people.upload(cast.case, cast.researcher, content=b"open")
    receipt = people.upload(cast.case, cast.researcher, content=b"shut", level="restricted")
    for role in ("lead", "release_officer"):
        CaseMembership.objects.create(case=cast.case, user=cast.root, role=role)
    client = Client()
    client.force_login(cast.root)
    ids = EvidenceItem.objects.values_list("pk", flat=True)
    page = client.get(ticked(client, "export_selected", ids)).content.decode()
    assert "another person authorises: 1." in page
    asked = client.get(f"{reverse('evidence:release_new')}?items={receipt.item}")
    assert asked.status_code == 200
    open_one = EvidenceItem.objects.exclude(pk=receipt.item).get()
    page = client.get(f"{reverse('evidence:export_new')}?items={open_one.pk}").content.decode()
    assert "another person authorises" not in page
