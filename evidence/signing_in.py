"""Signing in: with a second factor, not too often, and not for ever."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

#: Of a session that is not used, and of any session; seconds.
IDLE = 3600
LONGEST = 12 * 3600
_NOTED = 300  # a session's last use is written at most this often
BEGAN, SEEN = "began", "seen"


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing of "signed in": the page that follows shows it."""


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticators are enciphered in the database, with a key of SECRET_KEY's."""

    def encrypt(self, text: str) -> str:
        nonce = os.urandom(12)
        sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, text.encode(), None)
        return base64.b64encode(nonce + sealed).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        sealed = base64.b64decode(encrypted_text)
        for secret in (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)):
            try:
                return AESGCM(_key(secret)).decrypt(sealed[:12], sealed[12:], None).decode()
            except InvalidTag:
                continue
        raise ValueError(
            _(
                "The authenticator's secret was enciphered with another MUNIMENT_SECRET_KEY; "
                "`manage.py reset_second_factor USER` lets its owner set up a new one."
            )
        )

    def get_totp_issuer(self) -> str:
        return str(settings.ORGANISATION)


def _key(secret: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"muniment second factor").derive(secret.encode())


def forget_second_factor(user: Any) -> int:
    """Take a user's authenticators away, so that a new one can be set up; return how many."""
    number, _ = Authenticator.objects.filter(user=user).delete()
    return int(number)


@require_safe
@never_cache
def who_is_signed_in(request: HttpRequest) -> JsonResponse:
    """Tell a page's script whose session it is, before it sends what somebody typed."""
    if not request.user.is_authenticated:
        return JsonResponse({"who": None}, status=HTTPStatus.UNAUTHORIZED)
    return JsonResponse({"who": str(request.user.pk)})


class Sessions:
    """Middleware: a session that nobody uses ends, and any session ends after half a day."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = time.time()
            began = request.session.setdefault(BEGAN, now)
            seen = request.session.setdefault(SEEN, now)
            if not (now - IDLE <= seen <= now + _NOTED and now - LONGEST <= began <= now + _NOTED):
                logout(request)
                messages.info(request, _("You were signed out, because nothing was done for long."))
            elif now - seen > _NOTED:
                request.session[SEEN] = now
        return self.get_response(request)


class SecondFactorFirst:
    """Middleware: where a second factor is required, nothing is shown before it is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.SECOND_FACTOR_REQUIRED
            and request.user.is_authenticated
            and not request.path.startswith(("/accounts/", "/static/"))
            and request.path != "/admin/logout/"
            and not is_mfa_enabled(request.user)
        ):
            return redirect("mfa_activate_totp")
        return self.get_response(request)
