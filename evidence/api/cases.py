"""Cases as wholes: at a glance, in time, on the map, in clusters, with what came from elsewhere."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from ninja import File, Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from archive import custody, receiving
from evidence import (
    access,
    answering,
    chronology,
    filing,
    forms,
    matching,
    observing,
    relating,
    surveying,
)
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import must_be_right
from evidence.api.doors import answers
from evidence.api.narrowed import ItemsAsked, within
from evidence.models.bundle_import import BundleImport
from evidence.models.case import Case
from evidence.models.source import Source
from evidence.relating import Link

router = Router(tags=["cases"])


@router.get("", response=answers(list[shown.CaseAnswer]), auth=doors.READ)
def cases(request: HttpRequest) -> list[dict[str, Any]]:
    """List the cases that a membership opens to the asker."""
    return [shown.case(one) for one in access.cases_for(answering.user(request))]


class ShareAnswer(Schema):
    name: str
    number: int


class MemberAnswer(Schema):
    name: str
    role: str
    until: datetime | None


class SurveyAnswer(shown.CaseAnswer):
    """A case at a glance, counted over the items that the asker sees; sizes in bytes."""

    items: int
    kinds: list[ShareAnswer]
    levels: list[ShareAnswer]
    originals: int
    original_bytes: int
    derived: int
    derived_bytes: int
    members: list[MemberAnswer]


@router.get("/{uuid:case}", response=answers(SurveyAnswer), auth=doors.READ)
def case(request: HttpRequest, case: uuid.UUID, asked: Query[ItemsAsked]) -> dict[str, Any]:
    """Read a case at a glance."""
    found = answering.case(request, case, "view")
    looked = surveying.survey(
        found,
        user=answering.user(request),
        now=timezone.now(),
        **within(request, found, asked, act="see"),
    )
    return {**shown.case(found), **vars(looked)}


class Period(ItemsAsked):
    """Dates as on the page (EDTF), which kinds of happenings (none: the usual), which items."""

    since: str = Field("", max_length=60)
    until: str = Field("", max_length=60)
    show: list[str] = Field([], max_length=20)


class HappeningAnswer(Schema):
    lane: str
    what: str
    when: str
    earliest: datetime | None
    latest: datetime | None
    basis: str
    item: uuid.UUID | None
    claim: uuid.UUID | None


class NowhereAnswer(Schema):
    words: str
    item: uuid.UUID | None
    claim: uuid.UUID | None


class TimelineAnswer(Schema):
    """What is told of a case's times; ``is_cut`` says that there is more than is read at once."""

    rows: list[HappeningAnswer]
    unread: list[NowhereAnswer]
    undated: int
    is_cut: bool


@router.get("/{uuid:case}/timeline", response=answers(TimelineAnswer), auth=doors.READ)
def timeline(request: HttpRequest, case: uuid.UUID, asked: Query[Period]) -> dict[str, Any]:
    """Read when things of a case happened, each as it is told and by whom."""
    user, found = answering.user(request), answering.case(request, case, "view")
    form = forms.TimelineForm({"since": asked.since, "until": asked.until, "show": asked.show})
    must_be_right(form)
    said = form.cleaned_data
    told = chronology.timeline(
        found,
        user=user,
        period=chronology.Period(said["since"], said["until"]),
        lanes=said["show"] or chronology.USUAL,
        **within(request, found, asked),
    )
    items = [row.item for row in told.rows if row.item is not None]
    observing.all_seen(user, items, rendition="timeline", now=timezone.now())
    return {
        "rows": [
            {
                "lane": row.lane,
                "what": row.what,
                "when": row.when.text,
                "earliest": row.when.earliest,
                "latest": row.when.latest,
                "basis": row.basis,
                **_of(row),
            }
            for row in told.rows
        ],
        "unread": [{"words": row.words, **_of(row)} for row in told.unread],
        "undated": told.undated,
        "is_cut": told.is_cut,
    }


class SightAnswer(Schema):
    """A position in degrees (WGS 84), as it was written, and how far it may be off in metres."""

    what: str
    written: str
    latitude: float
    longitude: float
    basis: str
    within_m: int
    when: str
    item: uuid.UUID | None
    claim: uuid.UUID | None


class PlacesAnswer(Schema):
    sights: list[SightAnswer]
    in_words: list[NowhereAnswer]
    is_cut: bool


@router.get("/{uuid:case}/places", response=answers(PlacesAnswer), auth=doors.READ)
def places(request: HttpRequest, case: uuid.UUID, asked: Query[ItemsAsked]) -> dict[str, Any]:
    """Read where things of a case happened, and which places no map can show."""
    user, found = answering.user(request), answering.case(request, case, "view")
    told = chronology.places_of(found, user=user, **within(request, found, asked))
    rows: list[chronology.Sight | chronology.Nowhere] = [*told.sights, *told.in_words]
    items = [row.item for row in rows if row.item is not None]
    observing.all_seen(user, items, rendition="map", now=timezone.now())
    names = ("what", "written", "latitude", "longitude", "basis", "within_m", "when")
    return {
        "sights": [
            {**{name: getattr(row, name) for name in names}, **_of(row)} for row in told.sights
        ],
        "in_words": [{"words": row.words, **_of(row)} for row in told.in_words],
        "is_cut": told.is_cut,
    }


def _of(row: Any) -> dict[str, Any]:
    return {
        "item": row.item.pk if row.item else None,
        "claim": row.claim.pk if row.claim else None,
    }


class RelationAnswer(Schema):
    """That a person, under a pseudonym, or a party has to do with an item in one way."""

    who: uuid.UUID
    name: str
    is_person: bool
    link: Link
    item: uuid.UUID


class RelationsAsked(ItemsAsked):
    who: uuid.UUID | None = None
    link: list[Link] = Field([], max_length=len(Link))


@router.get("/{uuid:case}/relations", response=answers(list[RelationAnswer]), auth=doors.READ)
def relations(
    request: HttpRequest, case: uuid.UUID, asked: Query[RelationsAsked]
) -> list[dict[str, Any]]:
    """Read who has to do with which item, as it was recorded.

    With ``who``: whom that person or party shares an item with.
    """
    user, found = answering.user(request), answering.case(request, case, "view")
    told = relating.of_case(
        found, user=user, links=asked.link, who=asked.who, **within(request, found, asked)
    )
    items = list({one.item.pk: one.item for one in told}.values())
    observing.all_seen(user, items, rendition="relations", now=timezone.now())
    return [
        {
            "who": one.who.id,
            "name": one.who.name,
            "is_person": one.who.is_person,
            "link": one.link,
            "item": one.item.pk,
        }
        for one in told
    ]


class EdgeAnswer(Schema):
    one: uuid.UUID
    other: uuid.UUID
    distance: int | None
    decision: str | None


class ClusterAnswer(Schema):
    items: list[shown.ItemLine]
    edges: list[EdgeAnswer]


@router.get("/{uuid:case}/clusters", response=answers(list[ClusterAnswer]), auth=doors.READ)
def clusters(
    request: HttpRequest, case: uuid.UUID, asked: Query[ItemsAsked]
) -> list[dict[str, Any]]:
    """Find which items of a case belong together by likeness or decision."""
    user, found = answering.user(request), answering.case(request, case, "view")
    groups, _ = matching.clusters(found, user=user, **within(request, found, asked))
    items = [one for group in groups for one in group.items]
    observing.all_seen(user, items, rendition="clusters", now=timezone.now())
    return [
        {
            "items": [shown.line(one) for one in group.items],
            "edges": [
                {
                    "one": edge.one.pk,
                    "other": edge.other.pk,
                    "distance": edge.distance,
                    "decision": edge.decision or None,
                }
                for edge in group.edges
            ],
        }
        for group in groups
    ]


class SourceAnswer(Schema):
    id: uuid.UUID
    name: str
    kind: str


@router.get("/{uuid:case}/sources", response=answers(list[SourceAnswer]), auth=doors.READ)
def sources(request: HttpRequest, case: uuid.UUID) -> list[dict[str, Any]]:
    """List the sources of a case's items whose names the asker may read."""
    user, found = answering.user(request), answering.case(request, case, "see")
    named: QuerySet[Source] = access.named_sources_for(user)
    rows = named.filter(items__in=access.visible_to(user).filter(case=found)).distinct()
    return [{"id": one.pk, "name": str(one.shown), "kind": one.kind} for one in rows]


# Bundles of other archives


class ImportAnswer(Schema):
    """A bundle that came in: whose word it is, and what the verifier said of it."""

    id: uuid.UUID
    identifier: str
    origin: str
    recorded_at: datetime
    report: dict[str, Any]


@router.get("/{uuid:case}/imports", response=answers(list[ImportAnswer]), auth=doors.READ)
def imports(request: HttpRequest, case: uuid.UUID) -> Any:
    """List the bundles that came into a case."""
    found = answering.case(request, case, "see")
    return list(BundleImport.objects.filter(case=found))


@router.get("/{uuid:case}/imports/{uuid:made}", response=answers(ImportAnswer), auth=doors.READ)
def bundle_import(request: HttpRequest, case: uuid.UUID, made: uuid.UUID) -> Any:
    """Read what a bundle brought, who signed it, and what the verifier said of it."""
    found = answering.case(request, case, "see")
    return get_object_or_404(BundleImport, pk=made, case=found)


class ArrivalAnswer(Schema):
    """What came in: the import's id, and how many items; ``is_new`` false: it was here already."""

    id: uuid.UUID
    items: int
    already_here: int
    is_new: bool


@router.post("/{uuid:case}/imports", response=answers(ArrivalAnswer), auth=doors.UPLOAD)
def take_in(
    request: HttpRequest,
    case: uuid.UUID,
    bundle: File[UploadedFile],
    trusted: Form[str] = "",
    level: Form[str] = "internal",
) -> dict[str, Any]:
    """Take another archive's bundle in, all of it or nothing.

    ``trusted`` are verifier keys of archives that one trusts, a line each; ``level`` is the
    least of its items.
    """
    found: Case = answering.case(request, case, "upload")
    if bundle.size is not None and bundle.size > settings.MAX_UPLOAD:
        raise doors.NotSoError("It is longer than an upload may be; use the command.")
    form = forms.ImportForm({"keys": trusted, "level": level}, MultiValueDict({"bundle": [bundle]}))
    must_be_right(form)
    try:
        done = filing.bundle(
            found, form.cleaned_data, user=answering.user(request), now=timezone.now()
        )
    except receiving.RefusedError as error:
        faults = [f"{one.code}: {one.detail}" for one in error.faults]
        raise doors.NotSoError(
            "It was refused, and nothing of it was kept.", {"bundle": faults}
        ) from error
    except (receiving.ReceivingError, custody.CustodyError, DatabaseError) as error:
        raise doors.NotSoError(f"Nothing of it was kept: {error}") from error
    return {
        "id": done.made.pk,
        "items": len(done.items),
        "already_here": done.already_here,
        "is_new": done.is_new,
    }
