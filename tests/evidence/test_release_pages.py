"""A release goes through the pages of two people, and nobody else learns of it."""

from __future__ import annotations

import uuid
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from archive.models.bundle import Bundle
from evidence import classifying
from evidence.models.release import ReleaseDecision, ReleaseRequest
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


@pytest.fixture
def item(cast):
    return classifying.raise_to(
        sayings.item(cast), level="internal", markers=["identifiable_pow"], reason="A face.",
        user=cast.researcher, now=people.NOW,
    )  # fmt: skip


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def asked(cast, item) -> ReleaseRequest:
    answer = as_(cast.researcher).post(
        reverse("evidence:release_new"),
        {
            "items": [str(item.pk)], "recipient": "The court", "recipient_class": "court",
            "purpose": "The trial",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    return ReleaseRequest.objects.get()


def test_one_asks_another_decides_and_then_it_leaves(cast, item, asked):
    url = reverse("evidence:release", args=[asked.pk])
    officer = as_(cast.release_officer)
    assert "Decide" not in as_(cast.researcher).get(url).content.decode()
    assert as_(cast.researcher).post(url, {"act": "decide", "reason": "x"}).status_code == 404
    page = officer.get(url).content.decode()
    assert "Article 13" in page
    assert "The court" in page
    decide = {"act": "decide", "reason": "Checked.", "authorised": "yes"}
    refused = officer.post(url, decide)
    assert refused.status_code == 400
    assert "public interest written down" in unescape(refused.content.decode())
    assert not ReleaseDecision.objects.exists()

    officer.post(url, {**decide, "public_interest": "Sought for crimes."})
    answer = officer.post(url, {"act": "export"})

    assert answer.status_code == 302
    assert "/exports/" in answer["Location"]
    assert Bundle.objects.get().export.release.request == asked
    receipt = {"act": "acknowledge", "sha256": "0" * 64, "acknowledged_by": "Clerk"}
    shown = officer.post(url, receipt, follow=True).content.decode()
    assert "No bundle of this release has that digest" in shown
    officer.post(url, {"act": "revoke", "reason": "Mistaken."})
    assert officer.post(url, {"act": "export"}).status_code == 400
    assert Bundle.objects.count() == 1


def test_an_officer_who_exports_past_it_is_told_what_to_do(cast, item):
    answer = as_(cast.release_officer).post(
        reverse("evidence:export_new"),
        {"items": [str(item.pk)], "recipient": "A friend", "purpose": "Curious"},
    )

    assert "only by a release that another person authorised" in unescape(answer.content.decode())
    assert not Bundle.objects.exists()


@pytest.mark.parametrize("who", ["stranger", "outsider", "root", "administrator", "auditor"])
def test_others_learn_nothing_of_a_release(cast, asked, who):
    client = as_(getattr(cast, who))
    one, none = (
        client.get(reverse("evidence:release", args=[key])) for key in (asked.pk, uuid.uuid4())
    )

    assert one.status_code == none.status_code == 404
    listed = client.get(reverse("evidence:releases")).content.decode()
    assert str(asked.pk) not in listed
    assert "The court" not in listed
    new = client.get(reverse("evidence:release_new") + f"?items={asked.items[0]}")
    assert new.status_code == 404
