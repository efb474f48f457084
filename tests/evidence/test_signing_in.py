"""Signing in: attempts are counted, a second factor holds, sessions end."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from archive import custody
from evidence import signing_in
from tests import people

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
HOME = "/admin/"


@pytest.fixture
def cast(opened_log):
    cache.clear()
    return people.make_cast()


def _sign_in(client: Client, user: User, password: str = people.PASSWORD, **extra: str):
    return client.post(LOGIN, {"login": user.username, "password": password, "next": HOME}, **extra)


def _code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def _set_up(client: Client) -> str:
    """Set an authenticator up as a person does; return its secret."""
    asked = client.get("/accounts/2fa/totp/activate/")
    assert asked["Location"].startswith("/accounts/reauthenticate/")  # a session alone can't
    client.post(asked["Location"], {"password": people.PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    secret = str(page.context["form"].secret)
    answer = client.post("/accounts/2fa/totp/activate/", {"code": _code(secret)})
    assert answer.status_code == 302, answer.context["form"].errors
    return secret


def test_a_right_password_opens_the_archive_and_a_wrong_one_does_not(client, cast):
    assert _sign_in(client, cast.researcher, "wrong").status_code == 200
    assert client.get(HOME).status_code == 302

    assert _sign_in(client, cast.researcher)["Location"] == HOME
    assert client.get(HOME).status_code == 200
    kinds = [row.kind for row in custody.entries() if row.kind.startswith("session.")]
    assert kinds, "signing in and being refused are entries"


def test_the_sixth_wrong_password_in_five_minutes_is_not_even_looked_at(client, cast):
    for _ in range(5):
        _sign_in(client, cast.researcher, "wrong")
    before = custody.head().size

    answer = _sign_in(client, cast.researcher)  # the right one, too late

    assert client.get(HOME).status_code == 302
    assert "Too many failed" in answer.content.decode()
    assert custody.head().size == before
    # Somebody else at the same address is not locked out by it.
    assert _sign_in(Client(), cast.auditor)["Location"] == HOME


def test_many_accounts_tried_from_one_address_stop_as_well(client, cast):
    for number in range(20):
        client.post(LOGIN, {"login": f"user{number}", "password": "wrong"})

    answer = _sign_in(client, cast.researcher)

    assert client.get(HOME).status_code == 302
    assert "Too many failed" in answer.content.decode()
    assert _sign_in(Client(), cast.researcher, REMOTE_ADDR="192.0.2.7")["Location"] == HOME


def test_an_account_out_of_use_stays_outside(client, cast):
    cast.researcher.is_active = False
    cast.researcher.save()

    _sign_in(client, cast.researcher)

    assert client.get(HOME).status_code == 302


def test_with_a_second_factor_the_password_alone_opens_nothing(client, cast):
    _sign_in(client, cast.researcher)
    secret = _set_up(client)
    cache.clear()  # a code is good once; the next login asks for it again at once
    Authenticator.objects.filter(user=cast.researcher).update(last_used_at=None)
    other = Client()

    assert _sign_in(other, cast.researcher)["Location"].startswith("/accounts/2fa/authenticate/")
    assert other.get(HOME).status_code == 302
    assert other.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert other.get(HOME).status_code == 302

    answer = other.post("/accounts/2fa/authenticate/", {"code": _code(secret)})

    assert answer["Location"] == HOME
    assert other.get(HOME).status_code == 200


def test_a_code_is_good_once(client, cast):
    _sign_in(client, cast.researcher)
    code = _code(_set_up(client))
    answers = []
    for _ in range(2):
        other = Client()
        _sign_in(other, cast.researcher)
        other.post("/accounts/2fa/authenticate/", {"code": code})
        answers.append(other.get(HOME).status_code)

    assert answers == [200, 302]


def test_a_recovery_code_opens_it_once(client, cast):
    _sign_in(client, cast.researcher)
    _set_up(client)
    codes = Authenticator.objects.get(user=cast.researcher, type="recovery_codes")
    code = codes.wrap().get_unused_codes()[0]
    for expected in (200, 302):
        cache.clear()
        other = Client()
        _sign_in(other, cast.researcher)
        other.post("/accounts/2fa/authenticate/", {"code": code})
        assert other.get(HOME).status_code == expected


def test_the_secret_is_not_in_the_database_in_clear(client, cast, settings):
    _sign_in(client, cast.researcher)
    secret = _set_up(client)

    rows = [str(row.data) for row in Authenticator.objects.all()]

    assert not [row for row in rows if secret in row]
    factor = signing_in.SecondFactor()
    sealed = factor.encrypt(secret)
    was, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    with pytest.raises(ValueError, match="another MUNIMENT_SECRET_KEY"):
        factor.decrypt(sealed)
    settings.SECRET_KEY_FALLBACKS = [was]
    assert factor.decrypt(sealed) == secret


def test_where_it_is_required_nothing_is_shown_before_it_is_set_up(client, cast, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    _sign_in(client, cast.researcher)

    for address in (HOME, "/upload/", "/admin/evidence/evidenceitem/"):
        assert client.get(address)["Location"] == "/accounts/2fa/totp/activate/"
    _set_up(client)
    assert client.get(HOME).status_code == 200


def test_a_lost_authenticator_is_taken_away_and_that_is_an_entry(client, cast):
    _sign_in(client, cast.researcher)
    _set_up(client)

    call_command("reset_second_factor", cast.researcher.username)

    assert not Authenticator.objects.filter(user=cast.researcher).exists()
    assert custody.entries(kind="permission.changed").order_by("-seq")[0].seq == (
        custody.head().size - 1
    )
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", cast.researcher.username)


@pytest.mark.parametrize(("idle", "age", "open_still"), [
    (60, 3600, True),
    (signing_in.IDLE + 60, 2 * signing_in.IDLE, False),
    (60, signing_in.LONGEST + 60, False),
    (-9000, 60, False),  # the clock was put back: better signed out than open for ever
])  # fmt: skip
def test_a_session_ends_when_it_is_not_used_and_after_half_a_day(
    client, cast, idle, age, open_still
):
    _sign_in(client, cast.researcher)
    client.get(HOME)
    session = client.session
    session[signing_in.SEEN] = time.time() - idle
    session[signing_in.BEGAN] = time.time() - age
    session.save()

    assert (client.get(HOME).status_code == 200) is open_still


@pytest.mark.parametrize(
    "address", ["signup/", "password/reset/", "email/", "password/change/", "2fa/webauthn/"]
)
def test_doors_that_are_not_needed_are_not_there(client, cast, address):
    _sign_in(client, cast.researcher)

    assert client.get(f"/accounts/{address}").status_code == 404
