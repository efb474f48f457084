"""A database that is held by another, or gone, is said in words; nothing was acknowledged."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.urls import reverse

from archive import custody
from evidence import refusing
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
