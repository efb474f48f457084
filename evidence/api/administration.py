"""What administrators do: open cases, change them, say who works on them.

Accounts, their passwords and second factors have pages alone: whoever makes one there has just
shown that it is they, and a token can't.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status

from evidence import answering, describing, forms, observing
from evidence.api import doors
from evidence.api.bodies import body_of, filled
from evidence.api.doors import NotSoError, answers
from evidence.models.case import Case, CaseMembership

router = Router(tags=["administration"])
MOST = 1_000  # rows of a list


class CaseFileAnswer(Schema):
    """A case as administrators know it: nothing of what is in it."""

    id: uuid.UUID
    reference: str
    title: str
    description: str
    status: str
    legal_basis: str
    default_level: str
    retention_rule: str
    room_gib: int | None
    opened_at: datetime


class PartAnswer(Schema):
    """Somebody's part in a case; ended where ``until`` has passed."""

    username: str
    role: str
    until: datetime | None


class AccountAnswer(Schema):
    username: str
    name: str
    groups: list[str]
    is_active: bool
    last_login: datetime | None


def _administrator(request: HttpRequest, right: str) -> User:
    """Return who asks, if their groups give them the right.  Raises PermissionDenied."""
    asker = answering.user(request)
    if not asker.has_perm(right):
        observing.refused(asker, act="administer", what="case", now=timezone.now())
        raise PermissionDenied
    return asker


def _case(identifier: uuid.UUID) -> Case:
    found = Case.objects.filter(pk=identifier).first()
    if found is None:
        raise Http404("No such case.")
    return found


@router.get("/cases", response=answers(list[CaseFileAnswer]), auth=doors.ADMINISTER)
def cases(request: HttpRequest) -> list[Case]:
    """List all cases."""
    _administrator(request, "evidence.change_case")
    return list(Case.objects.all()[:MOST])


CaseBody: Any = body_of(forms.CaseForm, "CaseFile")
CaseChangeBody: Any = body_of(forms.CaseChangeForm, "CaseFileChange")


@router.post("/cases", response=answers(CaseFileAnswer, code=201), auth=doors.ADMINISTER)
def open_case(request: HttpRequest, said: CaseBody) -> Any:
    """Open a case; nobody works on it yet."""
    asker = _administrator(request, "evidence.add_case")
    form = filled(forms.CaseForm, said)
    case = form.save(commit=False)
    return Status(201, describing.open_case(case, user=asker, now=timezone.now()))


@router.put("/cases/{uuid:case}", response=answers(CaseFileAnswer), auth=doors.ADMINISTER)
def change_case(request: HttpRequest, case: uuid.UUID, said: CaseChangeBody) -> Case:
    """Change what a case is about, its status or its room; all members take the place of before."""
    asker = _administrator(request, "evidence.change_case")
    form = filled(forms.CaseChangeForm, said, instance=_case(case))
    changed = form.save(commit=False)
    return describing.change_case(changed, fields=form.changed_data, user=asker, now=timezone.now())


@router.get("/cases/{uuid:case}/members", response=answers(list[PartAnswer]), auth=doors.ADMINISTER)
def members(request: HttpRequest, case: uuid.UUID) -> list[dict[str, Any]]:
    """List who works, or has worked, on a case."""
    _administrator(request, "evidence.view_casemembership")
    rows = CaseMembership.objects.filter(case=_case(case)).select_related("user")
    return [_part(row) for row in rows]


MembershipBody: Any = body_of(forms.MembershipForm, "Membership")


@router.post("/cases/{uuid:case}/members", response=answers(PartAnswer), auth=doors.ADMINISTER)
def set_member(request: HttpRequest, case: uuid.UUID, said: MembershipBody) -> dict[str, Any]:
    """Give somebody a role in a case, or set when it ends.  Nobody gives one to themselves."""
    asker = _administrator(request, "evidence.add_casemembership")
    found = _case(case)
    form = filled(forms.MembershipForm, said)
    given = form.cleaned_data
    person = User.objects.filter(username=given["username"]).first()
    if person is None:
        raise NotSoError(
            "Something is wrong with these fields; nothing was recorded.",
            {"username": ["There is no account of this name."]},
        )
    row = CaseMembership.objects.filter(case=found, user=person, role=given["role"]).first()
    row = row or CaseMembership(case=found, user=person, role=given["role"])
    row.until = given["until"]
    return _part(describing.set_membership(row, user=asker, now=timezone.now()))


def _part(row: CaseMembership) -> dict[str, Any]:
    return {"username": row.user.get_username(), "role": row.role, "until": row.until}


@router.get("/accounts", response=answers(list[AccountAnswer]), auth=doors.ADMINISTER)
def accounts(request: HttpRequest) -> list[dict[str, Any]]:
    """List the accounts of people; they are made and changed on the pages alone."""
    _administrator(request, "auth.view_user")
    rows = User.objects.filter(is_staff=True).prefetch_related("groups").order_by("username")
    return [
        {
            "username": row.get_username(),
            "name": row.get_full_name(),
            "groups": sorted(group.name for group in row.groups.all()),
            "is_active": row.is_active,
            "last_login": row.last_login,
        }
        for row in rows[:MOST]
    ]
