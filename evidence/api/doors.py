"""Who is let in, and how a refusal is answered: tokens, scopes, one form for every error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer

from archive.custody import CustodyError
from archive.data_keys import DataKeyError
from archive.store import StoreError
from evidence import (
    amending,
    arriving,
    classifying,
    comparing,
    describing,
    disposing,
    embargoing,
    exporting,
    filing,
    filtering,
    intake,
    observing,
    profiles,
    redacting,
    refusing,
    releasing,
    tokens,
)
from evidence.models.token import Scope

logger = logging.getLogger(__name__)

#: What the caller can put right by asking otherwise; the sentence says how.
WRONG: tuple[type[Exception], ...] = (
    *filing.WRONG,
    amending.UnclearError,
    classifying.UnclearError,
    classifying.SamePersonError,
    classifying.DecidedError,
    comparing.NoReasonError,
    describing.SelfGrantError,
    disposing.DisposalError,
    disposing.SamePersonError,
    embargoing.EmbargoError,
    exporting.ExportError,
    filtering.FilterError,
    intake.IntakeError,
    profiles.ProfileError,
    redacting.UnclearError,
    releasing.ReleaseError,
    releasing.SamePersonError,
    tokens.TokenError,
)


class Wrong(Schema):
    """Why something was not done: a sentence, and what is wrong with each field, if anything is."""

    detail: str
    fields: dict[str, list[str]] = {}


ABOUT = (
    "Everything that the archive's pages do, for programs. Bring a token: `Authorization: Bearer "
    "muniment_…`. A token acts as its owner and opens no more than its owner's roles do. What one "
    "may not see does not exist: 404. Reading what is restricted is recorded, as on the pages."
)

#: What any operation may answer when it does not do what was asked.
REFUSALS: dict[int, Any] = dict.fromkeys(
    (400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 423, 429, 460, 503, 507), Wrong
)


class NotSoError(Exception):
    """A body that can't be used, with what is wrong in which field."""

    def __init__(self, detail: str, fields: dict[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.fields = fields or {}


class OutOfScopeError(Exception):
    """A token that is in force, but not for this."""


class Token(HttpBearer):
    """Lets in who brings a token that is in force and has the scope; ``request.user`` is its owner.

    A session of the pages lets nobody in here, so that no page of another site can ask anything.
    """

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        held = tokens.holder_of(token, now=timezone.now())
        if held is None:
            return None
        if settings.SECOND_FACTOR_REQUIRED and not is_mfa_enabled(held.owner):
            return None
        request.user = held.owner
        if self.scope and self.scope not in held.scopes:
            observing.refused(held.owner, act=self.scope, what="token", now=timezone.now())
            raise OutOfScopeError(self.scope)
        return held


def _door(scope: str = "") -> Token:
    """Return the door of a scope; the schema names it by its class, so that readers know it."""
    made: Token = type(f"token-{scope or 'any'}", (Token,), {})(scope)
    return made


ANY = _door()
READ = _door(Scope.READ)
DOWNLOAD = _door(Scope.DOWNLOAD)
UPLOAD = _door(Scope.UPLOAD)
DESCRIBE = _door(Scope.DESCRIBE)
DECIDE = _door(Scope.DECIDE)
REVEAL = _door(Scope.REVEAL)
EXPORT = _door(Scope.EXPORT)
AUDIT = _door(Scope.AUDIT)
ADMINISTER = _door(Scope.ADMINISTER)


def answers(schema: Any, *, code: int = 200) -> dict[int, Any]:
    """Return what an operation may answer: its own answer, and every refusal."""
    return {code: schema, **REFUSALS}


def made() -> NinjaAPI:
    """Return the API, without its operations."""
    api = NinjaAPI(
        title="Muniment",
        version="1",
        urls_namespace="api",
        description=ABOUT,
        docs_url=None,  # a page of our own: evidence.token_pages.api
        docs_decorator=staff_member_required,
    )
    for error, answer in _ANSWERS.items():
        api.add_exception_handler(error, _handler(api, answer))
    for wrong in WRONG:
        api.add_exception_handler(wrong, _handler(api, _not_done))
    return api


Answer = Callable[[HttpRequest, Any], tuple[int, dict[str, Any]]]


def _handler(api: NinjaAPI, answer: Answer) -> Callable[[HttpRequest, Any], HttpResponse]:
    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        status, said = answer(request, error)
        response = api.create_response(request, {"fields": {}, **said}, status=status)
        if status == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response

    return handle


def _not_done(_: HttpRequest, error: Exception) -> tuple[int, dict[str, Any]]:
    return 422, {"detail": str(error)}


def _not_so(_: HttpRequest, error: NotSoError) -> tuple[int, dict[str, Any]]:
    return 422, {"detail": str(error), "fields": error.fields}


def _misshapen(_: HttpRequest, error: ValidationError) -> tuple[int, dict[str, Any]]:
    fields: dict[str, list[str]] = {}
    for one in error.errors:
        # Where it stands in the request, without what was sent: that may be a name.
        place = ".".join(str(part) for part in one["loc"][1:] if part != "said") or "request"
        fields.setdefault(place, []).append(str(one["msg"]))
    return 422, {"detail": "Something in the request can't be read.", "fields": fields}


def _as_raised(_: HttpRequest, error: HttpError) -> tuple[int, dict[str, Any]]:
    return error.status_code, {"detail": str(error)}


def _nothing_there(_: HttpRequest, error: Http404) -> tuple[int, dict[str, Any]]:
    return 404, {"detail": str(error) if str(error).startswith("No such") else "No such thing."}


def _changed(_: HttpRequest, error: amending.ChangedMeanwhileError) -> tuple[int, dict[str, Any]]:
    return 409, {
        "detail": str(error),
        "fields": {one.name: [one.before, one.after] for one in error.differences},
    }


def _refused(_: HttpRequest, error: arriving.Refusal) -> tuple[int, dict[str, Any]]:
    return error.status, {"detail": error.sentence}


def _forbidden(request: HttpRequest, _: PermissionDenied) -> tuple[int, dict[str, Any]]:
    if request.user.is_authenticated:
        observing.refused(request.user, act="open", what="operation", now=timezone.now())
    return 403, {"detail": "Your role does not open this."}


def _out_of_scope(_: HttpRequest, error: OutOfScopeError) -> tuple[int, dict[str, Any]]:
    return 403, {"detail": f"The token is not for this; it needs the scope “{error}”."}


def _stopped(_: HttpRequest, error: Exception) -> tuple[int, dict[str, Any]]:
    if isinstance(error, OperationalError):
        logger.error("The database did not do it: %s", error)
        return 503, {"detail": refusing.UNANSWERED}  # its own words may name what nobody may see
    return 503, {"detail": str(error)}


def _not_kept(_: HttpRequest, error: StoreError) -> tuple[int, dict[str, Any]]:
    return 507, {"detail": str(error)}


_ANSWERS: dict[type[Exception], Answer] = {
    ValidationError: _misshapen,
    HttpError: _as_raised,
    NotSoError: _not_so,
    amending.ChangedMeanwhileError: _changed,
    arriving.Refusal: _refused,
    Http404: _nothing_there,
    PermissionDenied: _forbidden,
    OutOfScopeError: _out_of_scope,
    OperationalError: _stopped,
    CustodyError: _stopped,
    DataKeyError: _stopped,
    StoreError: _not_kept,
}
