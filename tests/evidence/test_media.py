"""Bytes leave locked down and in ranges, and each leaving is an entry."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from archive import custody
from archive.models.stored_object import StoredObject
from evidence.models.item import EvidenceItem
from tests import people

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


@pytest.fixture
def url(cast) -> str:
    receipt = people.upload(
        cast.case, cast.researcher, content=CONTENT, filename="<svg onload=x>\r\nпример.svg"
    )
    item = EvidenceItem.objects.get(pk=receipt.item)
    return reverse("evidence:original", args=[item.pk, item.files.get().pk])


@pytest.fixture
def client(cast) -> Client:
    signed_in = Client()
    signed_in.force_login(cast.researcher)
    return signed_in


def _body(answer) -> bytes:
    return b"".join(answer)


def test_an_original_comes_whole_and_can_only_be_saved(client, url):
    answer = client.get(url)

    assert _body(answer) == CONTENT
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "\r" not in answer["Content-Disposition"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=100-", 100, 10239), ("bytes=-5", 10235, 10239),
     ("bytes=10000-99999", 10000, 10239)],
)  # fmt: skip
def test_a_range_is_answered_with_exactly_its_bytes(client, url, asked, first, last):
    answer = client.get(url, headers={"Range": asked})

    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert _body(answer) == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=9-3", "bytes=-0"])
def test_a_range_outside_is_refused_with_the_size(client, url, asked):
    answer = client.get(url, headers={"Range": asked})

    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_a_range_of_another_version_gets_the_whole(client, url):
    answer = client.get(url, headers={"Range": "bytes=5-9", "If-Range": '"other"'})

    assert answer.status_code == 200
    assert _body(answer) == CONTENT


def test_a_download_is_one_entry_also_when_it_is_resumed(client, url):
    _body(client.get(url))
    _body(client.get(url, headers={"Range": "bytes=5000-"}))

    assert len(custody.entries(kind="item.downloaded")) == 1


def test_looking_at_restricted_content_is_an_entry_once_in_ten_minutes(cast, client):
    receipt = people.upload(cast.case, cast.researcher, level="restricted")
    page = reverse("admin:evidence_evidenceitem_change", args=[receipt.item])

    client.get(page)
    client.get(page)

    assert len(custody.entries(kind="item.accessed", item=receipt.item)) == 1


def test_logging_in_and_out_and_failing_to_are_entries(cast):
    client = Client()
    login = reverse("account_login")
    client.post(login, {"login": "researcher", "password": "wrong"})
    client.post(login, {"login": "researcher", "password": people.PASSWORD})
    client.post(reverse("admin:logout"))

    kinds = [entry.kind for entry in custody.entries() if entry.kind.startswith("session.")]
    assert kinds == ["session.login_failed", "session.login", "session.logout"]


def test_reading_the_ledger_is_an_entry(cast):
    client = Client()
    client.force_login(cast.auditor)

    client.get(reverse("admin:archive_entry_changelist"))

    assert len(custody.entries(kind="ledger.read")) == 1


@pytest.mark.parametrize("asked", ["bytes=00-", "bytes=1-", "bytes=-100", "bytes=0-0"])
def test_no_range_lets_a_download_go_unrecorded(client, url, asked):
    _body(client.get(url, headers={"Range": asked}))

    assert len(custody.entries(kind="item.downloaded")) == 1


def test_a_damaged_or_missing_original_is_not_handed_out_and_that_is_said(client, url):
    StoredObject.objects.update(state=StoredObject.State.DAMAGED)

    answer = client.get(url)

    assert answer.status_code == 503
    assert "missing or damaged" in answer.content.decode()
