"""Cases and who works on them, by program: the same rights and records as on the pages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from archive.models.ledger import Entry
from evidence import tokens
from evidence.models.case import Case, CaseMembership
from tests import people

pytestmark = pytest.mark.django_db
HERE = "/api/v1/administration"


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


def ask(user, method, path, body=None, *, scopes=("administer",)):
    now = timezone.now()
    _, secret = tokens.issue(
        user, label="test", scopes=scopes, expires_at=now + timedelta(days=1), now=now
    )
    more = {"data": json.dumps(body), "content_type": "application/json"} if body else {}
    headers = {"Authorization": f"Bearer {secret}"}
    return getattr(Client(), method)(f"{HERE}{path}", headers=headers, **more)


def test_a_case_is_opened_changed_and_given_people(cast):
    said = {"reference": "NEW-1", "title": "A case", "default_level": "restricted"}
    opened = ask(cast.administrator, "post", "/cases", said)
    assert opened.status_code == 201, opened.content
    case = Case.objects.get(reference="NEW-1")
    assert (case.default_level, case.status, case.room_gib) == ("restricted", "open", None)
    changed = ask(
        cast.administrator, "put", f"/cases/{case.pk}",
        {"title": "Another title", "status": "closed", "room_gib": 50},
    )  # fmt: skip
    assert changed.json()["room_gib"] == 50
    case.refresh_from_db()
    assert (case.title, case.status, case.reference) == ("Another title", "closed", "NEW-1")
    until = (timezone.now() + timedelta(days=9)).isoformat()
    given = ask(
        cast.administrator, "post", f"/cases/{case.pk}/members",
        {"username": "researcher", "role": "reviewer", "until": until},
    )  # fmt: skip
    assert given.status_code == 200, given.content
    again = ask(
        cast.administrator, "post", f"/cases/{case.pk}/members",
        {"username": "researcher", "role": "reviewer"},
    )  # fmt: skip
    assert again.json()["until"] is None
    assert CaseMembership.objects.filter(case=case).count() == 1
    kinds = Entry.objects.filter(case=str(case.pk)).order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["case.opened", "case.changed", "case.member_added", "case.member_added"]


def test_nobody_opens_a_case_to_themselves(cast):
    path = f"/cases/{cast.case.pk}/members"
    answer = ask(cast.administrator, "post", path, {"username": "administrator", "role": "lead"})
    assert answer.status_code == 422
    assert "yourself" in answer.json()["detail"]
    assert not CaseMembership.objects.filter(user=cast.administrator).exists()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/cases", {"reference": "TEST-001", "title": "Twice"}, "reference"),
        ("/cases", {"reference": "no spaces here", "title": "x"}, None),
        ("/cases/{case}/members", {"username": "nobody", "role": "lead"}, "username"),
        ("/cases/{case}/members", {"username": "researcher", "role": "king"}, "role"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_recorded(cast, path, body, field):
    before = Entry.objects.exclude(kind__startswith="token").count()
    answer = ask(cast.administrator, "post", path.format(case=cast.case.pk), body)
    assert answer.status_code == 422, answer.content
    assert field is None or field in str(answer.json()["fields"])
    assert Entry.objects.exclude(kind__startswith="token").count() == before


def test_others_do_none_of_it_and_a_superuser_s_token_needs_the_scope(cast):
    case = f"/cases/{cast.case.pk}"
    for user in (cast.researcher, cast.auditor, cast.release_officer):
        for method, path, body in (
            ("get", "/cases", None),
            ("post", "/cases", {"reference": "X-1", "title": "x"}),
            ("put", case, {"title": "x"}),
            ("get", f"{case}/members", None),
            ("post", f"{case}/members", {"username": "outsider", "role": "lead"}),
            ("get", "/accounts", None),
        ):
            assert ask(user, method, path, body).status_code == 403, (user, path)
    assert ask(cast.root, "get", "/cases", scopes=("read",)).status_code == 403
    assert not Case.objects.filter(reference="X-1").exists()


def test_accounts_are_listed_without_anything_of_their_passwords(cast):
    answer = ask(cast.administrator, "get", "/accounts")
    assert {one["username"] for one in answer.json()} >= {"researcher", "administrator", "root"}
    assert "argon2" not in answer.content.decode()
