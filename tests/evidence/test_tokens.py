"""The page of tokens: issued once and shown once, by who gave their password just now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from archive import custody
from evidence import tokens
from evidence.models.token import ApiToken
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log):
    cache.clear()
    return people.make_cast()


def signed_in(cast) -> Client:
    """Return a browser in which the password was given just now."""
    client = Client()
    client.force_login(cast.researcher)
    client.post("/accounts/reauthenticate/", {"password": people.PASSWORD})
    return client


SAID = {"label": "laptop in Sumy", "scopes": ["read", "upload"], "days": "30"}


def test_a_token_is_shown_once_and_opens_what_it_is_for(cast):
    client = signed_in(cast)
    answer = client.post("/tokens/", SAID)
    secret = answer.context["secret"]
    assert secret.startswith(tokens.MARK)
    assert secret in answer.content.decode()
    assert secret not in client.get("/tokens/").content.decode()
    said = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).json()
    assert (said["username"], said["scopes"]) == ("researcher", ["read", "upload"])
    assert "laptop in Sumy" in client.get("/tokens/").content.decode()


def test_the_page_asks_for_the_password_again(cast):
    client = Client()
    client.force_login(cast.researcher)
    for answer in (client.get("/tokens/"), client.post("/tokens/", SAID)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"label": " "}, {"scopes": []}, {"scopes": ["everything"]}, {"days": "0"},
              {"days": "367"}]
)  # fmt: skip
def test_a_token_without_a_name_a_scope_or_an_end_is_not_issued(cast, wrong):
    answer = signed_in(cast).post("/tokens/", {**SAID, **wrong})
    assert answer.status_code == 400
    assert not ApiToken.objects.exists()


def test_one_revokes_ones_own_tokens_and_nobody_else_s(cast):
    now = timezone.now()
    for_ever = {"label": "x", "scopes": ["read"], "expires_at": now + timedelta(days=1)}
    mine, _ = tokens.issue(cast.researcher, now=now, **for_ever)
    foreign, _ = tokens.issue(cast.stranger, now=now, **for_ever)
    client = signed_in(cast)
    assert client.post(f"/tokens/{mine.pk}/revoke/").status_code == 302
    assert client.post(f"/tokens/{foreign.pk}/revoke/").status_code == 404
    mine.refresh_from_db()
    foreign.refresh_from_db()
    assert mine.revoked_at is not None
    assert foreign.revoked_at is None


def test_no_token_outlasts_a_year(cast):
    now = timezone.now()
    with pytest.raises(tokens.TokenError, match="within a year"):
        tokens.issue(
            cast.researcher, label="x", scopes=["read"],
            expires_at=now + tokens.LONGEST + timedelta(seconds=1), now=now,
        )  # fmt: skip


def test_the_page_of_the_api_tells_every_operation_with_its_scope(cast):
    client = signed_in(cast)
    page = client.get("/api/").content.decode()
    schema = client.get("/api/v1/openapi.json").json()
    for path in schema["paths"]:
        assert path.removeprefix("/api/v1") in page
    assert "<td>reveal</td>" in page
    assert Client().get("/api/v1/openapi.json").status_code == 302  # for who is signed in


def test_an_operator_takes_all_of_somebody_s_tokens_back(cast):
    now = timezone.now()
    said = {"label": "x", "scopes": ["read"], "expires_at": now + timedelta(days=1), "now": now}
    secrets = [tokens.issue(cast.researcher, **said)[1] for _ in range(2)]
    _, other = tokens.issue(cast.stranger, **said)
    call_command("revoke_tokens", "researcher")
    for secret in secrets:
        assert tokens.holder_of(secret, now=timezone.now()) is None
    assert tokens.holder_of(other, now=timezone.now()) is not None
    assert custody.entries(kind="token.revoked").count() == 2
    call_command("revoke_tokens", "researcher")  # again: nothing is left, and nothing is recorded
    assert custody.entries(kind="token.revoked").count() == 2
    with pytest.raises(CommandError, match="no user"):
        call_command("revoke_tokens", "nobody")
