"""Who the token acts as, and the token's own end."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from evidence import access, answering, explaining, tokens
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


class RightAnswer(Schema):
    """One act in a case: "yes", "own" items only, or "no"; whose role opens it, or a grant."""

    act: str
    words: str
    answer: str
    opened_by: list[str]
    by_grant: bool


class PlaceAnswer(Schema):
    """Cases in which one has the same roles and grants; groups that the account lacks for them."""

    cases: list[uuid.UUID]
    roles: list[str]
    grants: list[str]
    until: datetime | None
    rights: list[RightAnswer]
    lacking: list[str]


class PageAnswer(Schema):
    """A kind of page, whether the account opens it, and which groups do."""

    words: str
    is_open: bool
    opened_by: list[str]


class RightsAnswer(Schema):
    """What one may see and do; how many cases more than are named; whose role opens the rest."""

    places: list[PlaceAnswer]
    pages: list[PageAnswer]
    more: int


@router.get("/me/rights", response=answers(RightsAnswer), auth=doors.ANY)
def rights(request: HttpRequest) -> dict[str, Any]:
    """Read what whom the token acts as may see and do."""
    told = explaining.rights_of(answering.user(request), now=timezone.now())
    return {
        "places": [
            {**vars(place), "cases": [case.pk for case in place.cases]} for place in told.places
        ],
        "pages": told.pages,
        "more": told.more,
    }


@router.delete("/me/token", response=answers(shown.Done), auth=doors.ANY)
def revoke(request: HttpRequest) -> dict[str, str]:
    """Revoke the token with which this is asked."""
    tokens.revoke(_token(request), user=answering.user(request), now=timezone.now())
    return {"detail": "The token is revoked."}


def _token(request: HttpRequest) -> ApiToken:
    return cast("ApiToken", cast("Any", request).auth)
