"""Export profiles: read, saved, versioned, withdrawn."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status

from evidence import answering, forms, profiles
from evidence.api import doors
from evidence.api.bodies import body_of, filled
from evidence.api.doors import answers
from evidence.models.export_profile import ExportProfile

router = Router(tags=["releases and exports"])


class ProfileAnswer(Schema):
    """What a profile lets leave.  ``name`` is what releases and exports are asked by."""

    name: str
    label: str
    version: int
    sensitive: str
    other: str
    discloses: bool
    leaves_out: list[str]


class ProfileVersionAnswer(ProfileAnswer):
    """A saved version, with why it was saved and what became of it."""

    reason: str
    recorded_at: datetime
    withdrawn: bool
    supersedes: uuid.UUID | None


def _answer(profile: profiles.Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "label": str(profile.label),
        "version": profile.version,
        **profile.rules(),
    }


def _version(row: ExportProfile) -> dict[str, Any]:
    return {
        **_answer(profiles.read(row)),
        "reason": row.reason,
        "recorded_at": row.recorded_at,
        "withdrawn": row.withdrawn,
        "supersedes": row.supersedes_id,
    }


@router.get("/profiles", response=answers(list[ProfileAnswer]), auth=doors.READ)
def offered(request: HttpRequest) -> list[dict[str, Any]]:
    """List the profiles by which something can be asked for now."""
    answering.profile_reader(request)
    return [_answer(one) for one in profiles.offered()]


ProfileBody: Any = body_of(forms.ProfileForm, "Profile")


@router.post("/profiles", response=answers(ProfileVersionAnswer, code=201), auth=doors.EXPORT)
def save(request: HttpRequest, said: ProfileBody) -> Any:
    """Save a profile."""
    user = answering.exporter(request)
    form = filled(forms.ProfileForm, said)
    made = profiles.save(user=user, now=timezone.now(), **form.cleaned_data)
    return Status(201, _version(made))


@router.get(
    "/profiles/{uuid:profile}/versions",
    response=answers(list[ProfileVersionAnswer]),
    auth=doors.READ,
)
def versions(request: HttpRequest, profile: uuid.UUID) -> list[dict[str, Any]]:
    """Read all versions of a saved profile, of which this is one; the newest first."""
    return [_version(row) for row in profiles.versions(answering.profile(request, profile))]


@router.post(
    "/profiles/{uuid:profile}/versions",
    response=answers(ProfileVersionAnswer, code=201),
    auth=doors.EXPORT,
)
def save_version(request: HttpRequest, profile: uuid.UUID, said: ProfileBody) -> Any:
    """Save the next version of a profile.  What was authorised leaves as it was authorised."""
    user = answering.exporter(request)
    before = answering.profile(request, profile)
    form = filled(forms.ProfileForm, said)
    made = profiles.save(user=user, now=timezone.now(), instead_of=before, **form.cleaned_data)
    return Status(201, _version(made))


WithdrawalBody: Any = body_of(forms.WithdrawalForm, "Withdrawal")


@router.post(
    "/profiles/{uuid:profile}/withdrawal",
    response=answers(ProfileVersionAnswer),
    auth=doors.EXPORT,
)
def withdraw(request: HttpRequest, profile: uuid.UUID, said: WithdrawalBody) -> dict[str, Any]:
    """Withdraw a profile: nothing more leaves by any version of it, whatever was authorised."""
    user = answering.exporter(request)
    before = answering.profile(request, profile)
    form = filled(forms.WithdrawalForm, said)
    made = profiles.withdraw(before, user=user, now=timezone.now(), **form.cleaned_data)
    return _version(made)
