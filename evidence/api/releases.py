"""Releases by two people, and the bundles that leave by them or without."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from evidence import access, answering, exporting, forms, observing, pages, releasing
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import Body, body_of, filled
from evidence.api.doors import answers
from evidence.api.items import BYTES
from evidence.models.item import EvidenceItem
from evidence.models.release import ReleaseDecision, ReleaseRequest

router = Router(tags=["releases and exports"])


class DecisionAnswer(Schema):
    authorised: bool
    reason: str
    conditions: str
    public_interest: str
    authority: str
    valid_until: datetime | None
    recorded_at: datetime


class ReleaseAnswer(Schema):
    """What is to leave, to whom and why; how it stands; the bundles that left by it."""

    id: uuid.UUID
    case: uuid.UUID
    items: list[uuid.UUID]
    recipient: str
    recipient_class: str
    profile: str
    purpose: str
    consent_note: str
    state: str
    is_mine: bool
    recorded_at: datetime
    decision: DecisionAnswer | None
    exports: list[uuid.UUID]


def _answer(request: HttpRequest, asked: ReleaseRequest) -> dict[str, Any]:
    decision = ReleaseDecision.objects.filter(request=asked).first()
    names = (
        "id", "recipient", "recipient_class", "profile", "purpose", "consent_note", "recorded_at",
    )  # fmt: skip
    exports = access.exports_for(answering.user(request)).filter(release=decision)
    return {
        **{name: getattr(asked, name) for name in names},
        "case": asked.case_id,
        "items": list(asked.items),
        "state": releasing.state(asked, now=timezone.now())[1],
        "is_mine": asked.recorded_by_id == access.agent_of(answering.user(request)).pk,
        "decision": decision,
        "exports": list(exports.values_list("pk", flat=True)) if decision else [],
    }


def _release(request: HttpRequest, identifier: uuid.UUID, act: str = "") -> ReleaseRequest:
    """Return a release that the asker may see, in a case where they may do ``act``."""
    user = answering.user(request)
    asked = releasing.visible(user).select_related("case").filter(pk=identifier).first()
    if asked is None or (act and not access.may(user, act, asked.case)):
        observing.refused(user, act=act or "see", what="release", now=timezone.now())
        raise Http404("No such release.")
    return asked


def _decision(asked: ReleaseRequest) -> ReleaseDecision:
    found = ReleaseDecision.objects.filter(request=asked).first()
    if found is None:
        raise releasing.ReleaseError("Nobody has decided about this release yet.")
    return found


@router.get("/releases", response=answers(list[ReleaseAnswer]), auth=doors.READ)
def releases(request: HttpRequest) -> list[dict[str, Any]]:
    """List the newest 200 releases of the asker's cases."""
    rows = releasing.visible(answering.user(request)).order_by("-recorded_at")[:200]
    return [_answer(request, row) for row in rows]


ReleaseBody: Any = body_of(
    forms.ReleaseForm,
    "Release",
    items=(list[uuid.UUID], Field(..., min_length=1, max_length=10_000)),
    profile=(str, Field("", max_length=40, description="A profile's name; empty: as usual.")),
)


@router.post("/releases", response=answers(ReleaseAnswer), auth=doors.DECIDE)
def ask(request: HttpRequest, said: ReleaseBody) -> dict[str, Any]:
    """Ask that items go to somebody; another person decides."""
    items = _chosen(request, said.items, "request_release")
    form = filled(forms.ReleaseForm, said.dict(exclude={"items"}))
    made = releasing.request(
        items, user=answering.user(request), now=timezone.now(), **form.cleaned_data
    )
    return _answer(request, made)


def _chosen(request: HttpRequest, wanted: list[uuid.UUID], act: str) -> list[EvidenceItem]:
    user, ids = answering.user(request), set(wanted)
    found = access.visible_to(user, act).filter(pk__in=ids).select_related("case")
    items = list(found.order_by("exhibit_number"))
    if len(items) != len(ids):
        observing.refused(user, act=act, what="item", now=timezone.now())
        raise Http404("No such item.")
    return items


@router.get("/releases/{uuid:release}", response=answers(ReleaseAnswer), auth=doors.READ)
def release(request: HttpRequest, release: uuid.UUID) -> dict[str, Any]:
    """Read one release."""
    return _answer(request, _release(request, release))


ReleaseDecisionBody: Any = body_of(
    forms.ReleaseDecisionForm, "ReleaseDecision", authorised=(bool, Field(...))
)


@router.post(
    "/releases/{uuid:release}/decision", response=answers(ReleaseAnswer), auth=doors.DECIDE
)
def decide(request: HttpRequest, release: uuid.UUID, said: ReleaseDecisionBody) -> dict[str, Any]:
    """Authorise or refuse a release that another person asked for."""
    asked = _release(request, release, "authorise_release")
    form = filled(forms.ReleaseDecisionForm, said.dict(exclude={"authorised"}))
    releasing.decide(
        asked,
        authorised=said.authorised,
        user=answering.user(request),
        now=timezone.now(),
        **form.cleaned_data,
    )
    return _answer(request, asked)


RevocationBody: Any = body_of(forms.RevocationForm, "Revocation")


@router.post(
    "/releases/{uuid:release}/revocation", response=answers(ReleaseAnswer), auth=doors.DECIDE
)
def revoke(request: HttpRequest, release: uuid.UUID, said: RevocationBody) -> dict[str, Any]:
    """Take a release back.  What has left is not called back by it."""
    asked = _release(request, release, "authorise_release")
    form = filled(forms.RevocationForm, said)
    releasing.revoke(
        _decision(asked), user=answering.user(request), now=timezone.now(), **form.cleaned_data
    )
    return _answer(request, _release(request, release))


AcknowledgementBody: Any = body_of(forms.ReceiptForm, "Acknowledgement")


class AcknowledgementAnswer(Schema):
    """Whether the recipient's digest is that of a bundle of the release."""

    matches: bool


@router.post(
    "/releases/{uuid:release}/acknowledgement",
    response=answers(AcknowledgementAnswer),
    auth=doors.DECIDE,
)
def acknowledge(
    request: HttpRequest, release: uuid.UUID, said: AcknowledgementBody
) -> dict[str, Any]:
    """Record what the recipient says arrived."""
    asked = _release(request, release, "authorise_release")
    form = filled(forms.ReceiptForm, said)
    receipt = releasing.acknowledge(
        _decision(asked), user=answering.user(request), now=timezone.now(), **form.cleaned_data
    )
    return {"matches": bool(receipt.matches)}


# Exports


class ExportBody(Body):
    """Which items leave, or by which release; a release brings its own items and recipient."""

    items: list[uuid.UUID] = Field([], max_length=10_000)
    release: uuid.UUID | None = None
    profile: str = Field("full", max_length=40)
    recipient: str = Field("", max_length=300)
    purpose: str = Field("", max_length=2000)


@router.get("/exports", response=answers(list[shown.ExportAnswer]), auth=doors.EXPORT)
def exports(request: HttpRequest) -> list[dict[str, Any]]:
    """List the newest 200 exports of the cases that the asker may export from."""
    rows = access.exports_for(answering.exporter(request)).select_related("bundle", "case")[:200]
    return [_export(row) for row in rows]


def _export(made: Any) -> dict[str, Any]:
    return shown.export(made, exporting.progress(made), exporting.filename(made))


@router.post("/exports", response=answers(shown.ExportAnswer), auth=doors.EXPORT)
def export(request: HttpRequest, said: ExportBody) -> dict[str, Any]:
    """Ask for a bundle; a worker writes and verifies it."""
    user, now = answering.exporter(request), timezone.now()
    if said.release is not None:
        asked = _release(request, said.release, "export")
        made = exporting.export(
            releasing.items_of(asked),
            purpose=asked.purpose,
            recipient=asked.recipient,
            release=_decision(asked),
            user=user,
            now=now,
        )
        return _export(made)
    items = _chosen(request, said.items, "export")
    form = filled(exporting.ExportForm, said.dict(exclude={"items", "release"}))
    return _export(exporting.export(items, user=user, now=now, **form.cleaned_data))


@router.get("/exports/{uuid:bundle}", response=answers(shown.ExportAnswer), auth=doors.EXPORT)
def one_export(request: HttpRequest, bundle: uuid.UUID) -> dict[str, Any]:
    """Read how far a bundle is, and its digests when it is written and verified."""
    return _export(answering.export(request, bundle))


@router.get(
    "/exports/{uuid:bundle}/content",
    response=doors.REFUSALS,
    auth=doors.EXPORT,
    openapi_extra=BYTES,
)
def download(request: HttpRequest, bundle: uuid.UUID) -> HttpResponseBase:
    """Download a verified bundle; that is recorded.  A Range header resumes it."""
    return pages.bundle_content(request, bundle)
