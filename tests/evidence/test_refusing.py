"""A database that is held by another, or gone, is said in words; nothing was acknowledged."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.urls import reverse

from archive import custody
from evidence import refusing
from evidence.models.case import CaseMembership
from evidence.models.disposal import Hold
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log):
    return people.make_cast()


def test_a_locked_database_answers_503_without_its_own_words(client, cast, monkeypatch):
    receipt = people.upload(cast.case, cast.researcher, level="restricted")
    client.force_login(cast.researcher)
    before = custody.head().size

    def locked(**_: object) -> None:
        raise OperationalError("database is locked: /srv/secret/path")

    with monkeypatch.context() as patched:
        patched.setattr(custody, "recording", locked)
        answer = client.get(reverse("admin:evidence_evidenceitem_change", args=[receipt.item]))

    assert answer.status_code == 503
    page = answer.content.decode()
    assert refusing.UNANSWERED.split(";")[0].replace("'", "&#x27;") in page
    assert "secret" not in page
    assert custody.head().size == before


def test_an_address_with_a_character_that_no_text_has_is_refused(client, cast):
    client.force_login(cast.researcher)
    for address in ("/find/?q=a%00b", "/admin/evidence/evidenceitem/?q=%00"):
        answer = client.get(address)
        assert answer.status_code == 400
        assert "write it anew" in answer.json()["detail"]


def test_a_box_with_such_a_character_counts_as_empty_and_nothing_is_done(client, cast):
    receipt = people.upload(cast.case, cast.researcher)
    CaseMembership.objects.create(case=cast.case, user=cast.researcher, role="custodian")
    client.force_login(cast.researcher)
    page = reverse("evidence:disposal", args=[receipt.item])
    answer = client.post(page, {"act": "hold", "authority": "a court", "reason": "x\x00y"})
    assert answer.status_code == 400
    assert not Hold.objects.exists()
