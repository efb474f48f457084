"""Items: found, read, described and compared."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from evidence import (
    access,
    amending,
    answering,
    comparing,
    completeness,
    forms,
    intake,
    matching,
    observing,
    pages,
    presenting,
    processing,
    redaction_pages,
    resembling,
)
from evidence.api import answers as shown
from evidence.api import doors, narrowed
from evidence.api.bodies import Body, body_of, filled
from evidence.api.doors import answers
from evidence.models.analysis import Analysis
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.match import Match

router = Router(tags=["items"])
MOST = 200  # items on a page of the list


class Asked(narrowed.ItemsAsked):
    """Which items: of which case and standing too."""

    case: uuid.UUID | None = None
    status: EvidenceItem.Status | None = None
    after: str = Field("", max_length=100, description="“following” of the page before.")
    limit: int = Field(50, ge=1, le=MOST)


@router.get("", response=answers(shown.Items), auth=doors.READ, summary="Find items")
def items(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    user = answering.user(request)
    found = access.visible_to(user, listed=True)
    found = narrowed.asked(asked).of(found, user=user)
    given = {"case": asked.case, "status": asked.status}
    found = found.filter(**{name: value for name, value in given.items() if value is not None})
    if asked.after:
        found = found.filter(_older_than(asked.after))
    some = list(found.order_by("-created_at", "-exhibit_number")[: asked.limit + 1])
    page, is_more = some[: asked.limit], len(some) > asked.limit
    # In the order of an index, so that the last page costs what the first does.
    following = f"{page[-1].created_at.isoformat()}_{page[-1].exhibit_number}" if is_more else None
    return {"items": [shown.line(item) for item in page], "following": following}


def _older_than(mark: str) -> Q:
    """Return the condition of what comes after a page whose last item is marked so."""
    moment, _, last = mark.partition("_")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise doors.NotSoError("“after” is not the “following” of another page.") from error
    if timezone.is_naive(at) or not last:
        raise doors.NotSoError("“after” is not the “following” of another page.")
    return Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(exhibit_number__lt=last))


@router.get("/{uuid:item}", response=answers(shown.ItemAnswer), auth=doors.READ)
def item(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    """Read everything about an item that the asker's role opens; reading it is recorded."""
    return _whole(request, item)


def _whole(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    user, found = answering.user(request), answering.item(request, item, "see")
    may_view = access.may(user, "view", found)
    if may_view:
        observing.seen(user, found, rendition="page", now=timezone.now())
    files = list(found.files.select_related("stored"))
    originals = [one for one in files if one.role == EvidenceFile.Role.EVIDENTIARY]
    acquisitions = found.acquisitions.select_related("acquired_by", "provided_by")
    return {
        **shown.line(found),
        **presenting.described(found),
        "source": str(found.source.shown) if found.source else "",
        "authored": found.authored_text,
        "authored_basis": found.authored_basis,
        "place": found.place_text,
        "place_basis": found.place_basis,
        "languages": list(found.languages),
        "integrity": presenting.integrity(originals).words,
        "files": [_file(found, one) for one in (files if may_view else originals)],
        "acquisitions": [
            {
                "method": one.method,
                "acquired_by": one.acquired_by.label if one.acquired_by else "",
                "provided_by": shown.name_of(one.provided_by),
                "acquired_at": one.acquired_at_text,
                **{
                    name: getattr(one, name)
                    for name in ("tz_basis", "place", "url", "authority", "known_gaps")
                },
            }
            for one in acquisitions
        ],
        "missing": [vars(one) for one in completeness.missing(found)] if may_view else [],
        "contradictions": presenting.contradictions(found) if may_view else [],
        "may": shown.acts(user, found),
        "seen": amending.mark(found),
    }


def _file(item: EvidenceItem, one: EvidenceFile) -> dict[str, Any]:
    kind = "originals" if one.role == EvidenceFile.Role.EVIDENTIARY else "files"
    return {
        "id": one.pk,
        "role": one.role,
        "filename": one.original_filename,
        "media_type": one.media_type,
        "size": one.size,
        "sha256": one.sha256,
        "sha512": one.stored.sha512 if one.stored else "",
        "content": f"items/{item.pk}/{kind}/{one.pk}/content",
    }


#: An answer that is a file's bytes, or a paper.
BYTES = {
    "responses": {
        200: {
            "description": "The bytes",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        206: {
            "description": "The part that a Range header asked for",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
    }
}


@router.get(
    "/{uuid:item}/originals/{uuid:file}/content",
    response=doors.REFUSALS,
    auth=doors.DOWNLOAD,
    openapi_extra=BYTES,
    summary="Download an original",
)
def original(request: HttpRequest, item: uuid.UUID, file: uuid.UUID) -> HttpResponseBase:
    """Download an original; that is recorded.  A Range header resumes it."""
    return pages.original(request, item=item, file=file)


@router.get(
    "/{uuid:item}/files/{uuid:file}/content",
    response=doors.REFUSALS,
    auth=doors.READ,
    openapi_extra=BYTES,
    summary="Read a preview or a redacted rendition",
)
def content(request: HttpRequest, item: uuid.UUID, file: uuid.UUID) -> HttpResponseBase:
    """Read what was made of an original: a preview, or a redacted rendition."""
    found = answering.item(request, item, "view")
    row = found.files.filter(pk=file).exclude(role=EvidenceFile.Role.EVIDENTIARY).first()
    if row is None:
        raise Http404("No such file.")
    if row.role == EvidenceFile.Role.REDACTED:
        return redaction_pages.rendition(request, item=item, file=file)
    return pages.derivative(request, item=item, file=file)


@router.get("/{uuid:item}/history", response=answers(list[shown.StepAnswer]), auth=doors.READ)
def history(request: HttpRequest, item: uuid.UUID) -> list[dict[str, Any]]:
    """Read an item's custody, oldest first."""
    return shown.steps(presenting.history(answering.item(request, item, "see")))


class ReceiptAnswer(Schema):
    """What an uploader keeps: the digests and the ledger entry of what was taken in."""

    item: uuid.UUID
    reference: str
    filename: str
    size: int
    sha256: str
    sha512: str
    entry_hash: str
    entry_seq: int
    time: str
    origin: str
    declared_match: str


@router.get("/{uuid:item}/receipt", response=answers(ReceiptAnswer), auth=doors.READ)
def receipt(request: HttpRequest, item: uuid.UUID) -> dict[str, Any]:
    """Read the receipt of an item."""
    found = answering.item(request, item, "see")
    file = found.files.select_related("item", "stored").get(role=EvidenceFile.Role.EVIDENTIARY)
    return intake.receipt_of(file).as_dict()


class WorkAnswer(Schema):
    id: uuid.UUID
    tool: str
    version: str
    state: str
    words: str
    reason: str
    isolation: str
    can_retry: bool


@router.get("/{uuid:item}/analyses", response=answers(list[WorkAnswer]), auth=doors.READ)
def work(request: HttpRequest, item: uuid.UUID) -> list[dict[str, Any]]:
    """Read how far each tool is with an item."""
    return presenting.work_on(answering.item(request, item, "view"))


@router.post(
    "/{uuid:item}/analyses/{uuid:analysis}/retry", response=answers(shown.Done), auth=doors.DESCRIBE
)
def retry(request: HttpRequest, item: uuid.UUID, analysis: uuid.UUID) -> dict[str, str]:
    """Have a failed tool tried again."""
    found = answering.item(request, item, "retry")
    processing.retry(get_object_or_404(Analysis, pk=analysis, file__item=found))
    return {"detail": "It will be tried again."}


class FoundAnswer(Schema):
    """What tools found in the bytes: one a tool and version, as names and values."""

    tool: str
    version: str
    outcome: str
    values: list[tuple[str, str]]


@router.get("/{uuid:item}/facts", response=answers(list[FoundAnswer]), auth=doors.READ)
def facts(request: HttpRequest, item: uuid.UUID) -> list[dict[str, Any]]:
    """Read what tools found in an item's bytes."""
    found = answering.item(request, item, "view")
    observing.seen(answering.user(request), found, rendition="page", now=timezone.now())
    return [
        {
            "tool": one.tool,
            "version": one.version,
            "outcome": one.outcome,
            "values": list(one.rows),
        }
        for one in presenting.answers(found)
    ]


class Purpose(Body):
    purpose: str = Field(..., min_length=1, max_length=300)


@router.post("/{uuid:item}/looks", response=answers(shown.Done), auth=doors.READ)
def look(request: HttpRequest, item: uuid.UUID, said: Purpose) -> dict[str, str]:
    """Say what one needs to see an item for; that is recorded."""
    found = answering.item(request, item, "view")
    if not said.purpose.strip():
        raise doors.NotSoError("Say what you need to see it for; that is recorded.")
    observing.asked(
        answering.user(request), found, purpose=said.purpose.strip(), now=timezone.now()
    )
    return {"detail": "Recorded."}


DescriptionBody: Any = body_of(
    forms.DescriptionForm, "Description", leave_out=("source",), source=(uuid.UUID | None, None)
)


@router.put("/{uuid:item}/description", response=answers(shown.ItemAnswer), auth=doors.DESCRIBE)
def describe(request: HttpRequest, item: uuid.UUID, said: DescriptionBody) -> dict[str, Any]:
    """Correct what is said of an item; ``seen`` is the item's, so that nobody is written over."""
    user, found = answering.user(request), answering.item(request, item, "describe")
    members = {**said.dict(), "source": str(said.source or "")}
    form = filled(forms.DescriptionForm, members, sources=amending.sources(user))
    wanted = {name: form.cleaned_data[name] for name in amending.FIELDS}
    amending.amend(
        [amending.Wish(found, wanted, form.cleaned_data["seen"])],
        reason=form.cleaned_data["reason"],
        user=user,
        now=timezone.now(),
    )
    return _whole(request, item)


# Likeness


class LeadAnswer(Schema):
    """A lead to another item, in words; never that the two are the same."""

    item: shown.ItemLine
    by: Literal["sight", "hearing", "wording"]
    band: str
    words: str
    decided: str | None


@router.get("/{uuid:item}/similar", response=answers(list[LeadAnswer]), auth=doors.READ)
def similar(request: HttpRequest, item: uuid.UUID) -> list[dict[str, Any]]:
    """Find what looks, sounds or reads alike among what the asker may view."""
    user, found = answering.user(request), answering.item(request, item, "view")
    observing.seen(user, found, rendition="similar items", now=timezone.now())
    decided = comparing.decided(found, user=user)
    asked = matching.about(found)
    seen = resembling.leads(matching.by_sight(asked, user=user), decided)
    heard = resembling.sounds(matching.by_hearing(asked, user=user), decided)
    read = resembling.texts(matching.by_wording(asked, user=user), decided)
    return [
        *(_lead(one, "sight", f"{one['distance']} of 256 bits. {one['place']}") for one in seen),
        *(_lead(one, "hearing", f"{one['seconds']}. {one['place']}") for one in heard),
        *(_lead(one, "wording", f"{one['common']}; {one['quoted']}") for one in read),
    ]


def _lead(one: dict[str, Any], by: str, words: str) -> dict[str, Any]:
    match = one["decided"]
    return {
        "item": shown.line(one["item"]),
        "by": by,
        "band": one["band"],
        "words": words.strip(),
        "decided": match.decision if match else None,
    }


class Comparison(Body):
    other: uuid.UUID
    decision: Match.Decision
    reason: str = Field(..., max_length=2000)


@router.post("/{uuid:item}/comparisons", response=answers(shown.Done), auth=doors.DESCRIBE)
def compare(request: HttpRequest, item: uuid.UUID, said: Comparison) -> dict[str, str]:
    """Record what a person decides about two items."""
    one = answering.item(request, item, "describe")
    other = answering.item(request, said.other, "view")
    if one == other:
        raise doors.NotSoError("An item is not compared with itself.")
    comparing.decide(
        one,
        other,
        decision=said.decision,
        reason=said.reason,
        shown=resembling.shown(one, other, user=answering.user(request)),
        user=answering.user(request),
        now=timezone.now(),
    )
    return {"detail": "Your decision is recorded in both items' histories."}
