"""How items are kept: protected, redacted, held, withdrawn, disposed of."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from evidence import (
    access,
    answering,
    classifying,
    disposing,
    embargoing,
    filing,
    forms,
    observing,
    redacting,
)
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import Body, body_of, filled
from evidence.api.doors import answers
from evidence.models.disposal import DisposalProposal, Hold
from evidence.models.item import EvidenceItem
from evidence.models.lowering import LoweringRequest

router = Router(tags=["items"])


class ReasonAnswer(Schema):
    level: str
    words: str


class LoweringAnswer(Schema):
    id: uuid.UUID
    level: str
    markers: list[str]
    reason: str
    is_mine: bool
    recorded_at: datetime


class ProtectionAnswer(Schema):
    """What counts, why, and what waits for another person."""

    level: str
    reasons: list[ReasonAnswer]
    waiting: list[LoweringAnswer]


@router.get("/{uuid:item}/protection", response=answers(ProtectionAnswer), auth=doors.READ)
def protection(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    """Read why an item has its level, and which lowerings wait."""
    found = answering.item(request, item, "see")
    me = access.agent_of(answering.user(request))
    return {
        "level": found.effective_level,
        "reasons": [
            {"level": one.level.value, "words": one.words} for one in classifying.reasons(found)
        ],
        "waiting": [
            {
                "id": one.pk,
                "level": one.level,
                "markers": one.markers,
                "reason": one.reason,
                "is_mine": one.recorded_by == me,
                "recorded_at": one.recorded_at,
            }
            for one in classifying.waiting(EvidenceItem.objects.filter(pk=found.pk))
        ],
    }


ProtectionBody: Any = body_of(forms.ProtectionForm, "Protection")


@router.post("/{uuid:item}/protection", response=answers(shown.Done), auth=doors.DECIDE)
def protect(request: HttpRequest, item: uuid.UUID, said: ProtectionBody) -> dict[str, str]:
    """Protect an item more, at once; or ask that it be protected less, which another decides."""
    found = answering.item(request, item, "see")
    form = filled(forms.ProtectionForm, said)
    counts = filing.protection(
        found, form.cleaned_data, user=answering.user(request), now=timezone.now()
    )
    if counts:
        return {"detail": "Recorded; it counts from now."}
    return {"detail": "Asked. Another person decides; nothing has changed yet."}


class Decision(Body):
    granted: bool
    reason: str = Field(..., min_length=1, max_length=2000)


@router.post(
    "/{uuid:item}/protection/{uuid:asked}/decision",
    response=answers(shown.Done),
    auth=doors.DECIDE,
)
def decide_lowering(
    request: HttpRequest, item: uuid.UUID, asked: uuid.UUID, said: Decision
) -> dict[str, str]:
    """Decide a lowering that another person asked for."""
    found = answering.item(request, item, "decide_lowering")
    row = get_object_or_404(
        LoweringRequest, pk=asked, pk__in=[one.pk for one in classifying.waiting(
            EvidenceItem.objects.filter(pk=found.pk)
        )]
    )  # fmt: skip
    classifying.decide(
        row,
        granted=said.granted,
        reason=said.reason,
        user=answering.user(request),
        now=timezone.now(),
    )
    return {"detail": "Granted; the item is protected less now." if said.granted else "Refused."}


class Region(Body):
    """What is hidden, in thousandths of the picture; of a film from when to when."""

    left: int = Field(..., ge=0, le=1000)
    top: int = Field(..., ge=0, le=1000)
    right: int = Field(..., ge=0, le=1000)
    bottom: int = Field(..., ge=0, le=1000)
    from_ms: int | None = Field(None, ge=0, le=2**40)
    until_ms: int | None = Field(None, ge=0, le=2**40)
    page: int | None = Field(None, ge=1, le=100_000)
    style: Literal["fill", "blur"] = "fill"


RedactionBody: Any = body_of(
    forms.RedactionForm, "Redaction", regions=(list[Region], Field([], max_length=2000))
)


class RedactionAnswer(Schema):
    id: uuid.UUID
    reason: str
    outcome: str
    words: str
    rendition: uuid.UUID | None


@router.get("/{uuid:item}/redactions", response=answers(list[RedactionAnswer]), auth=doors.READ)
def redactions(request: HttpRequest, item: uuid.UUID) -> list[dict[str, Any]]:
    """Read which redacted renditions were asked for, and what came of each."""
    found = answering.item(request, item, "redact")
    return [
        {
            "id": one["asked"].pk,
            "reason": one["asked"].reason,
            "outcome": one["result"].outcome if one["result"] else "",
            "words": one["result"].reason if one["result"] else "Being made",
            "rendition": one["result"].rendition_id if one["result"] else None,
        }
        for one in redacting.of(found)
    ]


@router.post("/{uuid:item}/redactions", response=answers(shown.Made), auth=doors.DECIDE)
def redact(request: HttpRequest, item: uuid.UUID, said: RedactionBody) -> Any:
    """Ask for a redacted rendition; the original stays as it is."""
    found = answering.item(request, item, "redact")
    form = filled(forms.RedactionForm, said)
    return filing.redaction(
        found, form.cleaned_data, user=answering.user(request), now=timezone.now()
    )


class HoldAnswer(Schema):
    id: uuid.UUID
    authority: str
    reason: str
    recorded_at: datetime


class ProposalAnswer(Schema):
    id: uuid.UUID
    authority: str
    reason: str
    is_mine: bool
    recorded_at: datetime


class EmbargoAnswer(Schema):
    until: datetime
    authority: str
    reason: str
    recorded_at: datetime


class DisposalAnswer(Schema):
    status: str
    holds: list[HoldAnswer]
    embargo: EmbargoAnswer | None
    proposals: list[ProposalAnswer]


@router.get("/{uuid:item}/disposal", response=answers(DisposalAnswer), auth=doors.READ)
def disposal(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    """Read what holds an item, and which disposals wait for another person."""
    found = answering.item(request, item, "see")
    me = access.agent_of(answering.user(request))
    return {
        "status": found.status,
        "holds": list(disposing.holds(found)),
        "embargo": embargoing.of(found, now=timezone.now()),
        "proposals": [
            {
                **{
                    name: getattr(one, name)
                    for name in ("id", "authority", "reason", "recorded_at")
                },
                "is_mine": one.recorded_by == me,
            }
            for one in disposing.waiting(found)
        ],
    }


class Reason(Body):
    reason: str = Field(..., min_length=1, max_length=2000)


class Authorised(Reason):
    authority: str = Field("", max_length=300)


class Proposal(Authorised):
    witness: str = Field("", max_length=300)


@router.post("/{uuid:item}/holds", response=answers(shown.Done), auth=doors.DECIDE)
def hold(request: HttpRequest, item: uuid.UUID, said: Authorised) -> dict[str, str]:
    """Hold an item: nobody disposes of it until the hold is lifted."""
    disposing.place_hold(answering.item(request, item, "hold"), **_by(request, said))
    return {"detail": "The item is held."}


@router.post(
    "/{uuid:item}/holds/{uuid:which}/lift", response=answers(shown.Done), auth=doors.DECIDE
)
def lift(request: HttpRequest, item: uuid.UUID, which: uuid.UUID, said: Reason) -> dict[str, str]:
    """Lift a hold."""
    found = answering.item(request, item, "hold")
    disposing.lift_hold(get_object_or_404(Hold, item=found, pk=which), **_by(request, said))
    return {"detail": "The hold is lifted."}


EmbargoBody: Any = body_of(forms.EmbargoForm, "Embargo")


@router.post("/{uuid:item}/embargo", response=answers(shown.Done), auth=doors.DECIDE)
def embargo(request: HttpRequest, item: uuid.UUID, said: EmbargoBody) -> dict[str, str]:
    """Let nothing of an item leave before a time; moves an embargo that there is."""
    found = answering.item(request, item, "hold")
    form = filled(forms.EmbargoForm, said)
    embargoing.place(found, user=answering.user(request), now=timezone.now(), **form.cleaned_data)
    return {"detail": "Nothing of it leaves before then."}


@router.post("/{uuid:item}/embargo/end", response=answers(shown.Done), auth=doors.DECIDE)
def end_embargo(request: HttpRequest, item: uuid.UUID, said: Reason) -> dict[str, str]:
    """End an item's embargo before its time."""
    embargoing.end(answering.item(request, item, "hold"), **_by(request, said))
    return {"detail": "The embargo has ended."}


@router.post("/{uuid:item}/withdrawal", response=answers(shown.Done), auth=doors.DECIDE)
def withdraw(request: HttpRequest, item: uuid.UUID, said: Reason) -> dict[str, str]:
    """Withdraw an item: it is no longer relied on, and everything of it stays."""
    disposing.withdraw(_assessable(request, item), **_by(request, said))
    return {"detail": "The item is withdrawn; everything of it stays."}


@router.post("/{uuid:item}/reinstatement", response=answers(shown.Done), auth=doors.DECIDE)
def reinstate(request: HttpRequest, item: uuid.UUID, said: Reason) -> dict[str, str]:
    """Rely on a withdrawn item again."""
    disposing.reinstate(_assessable(request, item), **_by(request, said))
    return {"detail": "The item is relied on again."}


@router.post("/{uuid:item}/disposal", response=answers(shown.Done), auth=doors.DECIDE)
def propose(request: HttpRequest, item: uuid.UUID, said: Proposal) -> dict[str, str]:
    """Propose that an item be disposed of; another person decides."""
    disposing.propose(answering.item(request, item, "dispose"), **_by(request, said))
    return {"detail": "Proposed. Another person decides."}


@router.post(
    "/{uuid:item}/disposal/{uuid:proposal}/decision",
    response=answers(shown.Done),
    auth=doors.DECIDE,
)
def decide_disposal(
    request: HttpRequest, item: uuid.UUID, proposal: uuid.UUID, said: Decision
) -> dict[str, str]:
    """Decide a disposal that another person proposed."""
    found = answering.item(request, item, "dispose")
    row = get_object_or_404(DisposalProposal, item=found, pk=proposal)
    disposing.decide(
        row,
        approved=said.granted,
        reason=said.reason,
        user=answering.user(request),
        now=timezone.now(),
    )
    return {"detail": "The item was disposed of." if said.granted else "Refused."}


def _assessable(request: HttpRequest, item: uuid.UUID) -> EvidenceItem:
    """Return an item that the asker may assess in its case, whether it is withdrawn or not."""
    found = answering.item(request, item, "see")
    if not access.may(answering.user(request), "assess", found.case):
        observing.refused(answering.user(request), act="assess", what="item", now=timezone.now())
        raise Http404("No such item.")
    return found


def _by(request: HttpRequest, said: Body) -> dict[str, Any]:
    return {**said.dict(), "user": answering.user(request), "now": timezone.now()}
