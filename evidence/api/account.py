"""Who the token acts as, and the token's own end."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from evidence import access, answering, tokens
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.doors import answers
from evidence.models.token import ApiToken

router = Router(tags=["account"])


class Me(Schema):
    """Whom the token acts as, what it is for, until when."""

    username: str
    groups: list[str]
    cases: list[uuid.UUID]
    scopes: list[str]
    expires_at: datetime


@router.get("/me", response=answers(Me), auth=doors.ANY)
def me(request: HttpRequest) -> dict[str, Any]:
    """Read whom the token acts as."""
    user, token = answering.user(request), _token(request)
    return {
        "username": user.get_username(),
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "cases": list(access.cases_for(user).values_list("pk", flat=True)),
        "scopes": token.scopes,
        "expires_at": token.expires_at,
    }


@router.delete("/me/token", response=answers(shown.Done), auth=doors.ANY)
def revoke(request: HttpRequest) -> dict[str, str]:
    """Revoke the token with which this is asked."""
    tokens.revoke(_token(request), user=answering.user(request), now=timezone.now())
    return {"detail": "The token is revoked."}


def _token(request: HttpRequest) -> ApiToken:
    return cast("ApiToken", cast("Any", request).auth)
