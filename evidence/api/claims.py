"""Claims, what speaks for and against them, and the people of a case by their pseudonyms."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from evidence import (
    access,
    answering,
    assessing,
    claiming,
    filing,
    forms,
    observing,
    persons,
)
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import Body, body_of, filled
from evidence.api.doors import answers
from evidence.api.narrowed import ItemsAsked, within
from evidence.models.person import Person, PersonFact

router = Router(tags=["claims and people"])


class EvidenceAnswer(Schema):
    item: uuid.UUID
    bearing: str
    independence_group: str
    note: str


class ClaimAnswer(Schema):
    """A claim with all that its reader must see beside it; ``status`` is computed."""

    id: uuid.UUID
    text: str
    kind: str
    about: list[str]
    made_by: list[str]
    reported_by: list[str]
    asserted_in: uuid.UUID | None
    locator: str
    asserted_at: str
    happened_at: str
    happened_where: str
    status: str
    why: str
    evidence: list[EvidenceAnswer]
    assessments: list[shown.AssessmentAnswer]


def _claim(one: claiming.Weighed) -> dict[str, Any]:
    names = ("id", "text", "kind", "locator", "asserted_at", "happened_at", "happened_where")
    return {
        **{name: getattr(one.claim, name) for name in names},
        "about": one.about,
        "made_by": one.made_by,
        "reported_by": one.reported_by,
        "asserted_in": one.claim.asserted_in_id,
        "status": one.status,
        "why": one.why,
        "evidence": [
            {
                "item": each.item_id,
                "bearing": each.bearing,
                "independence_group": each.independence_group,
                "note": each.note,
            }
            for side in one.by_bearing
            for each in side
        ],
        "assessments": one.newest_first,
    }


@router.get("/cases/{uuid:case}/claims", response=answers(list[ClaimAnswer]), auth=doors.READ)
def claims(request: HttpRequest, case: uuid.UUID, asked: Query[ItemsAsked]) -> list[dict[str, Any]]:
    """Read a case's claims, what speaks for and against each, and how independent that is."""
    user, found = answering.user(request), answering.case(request, case, "view")
    told = claiming.visible(found, user=user, **within(request, found, asked))
    weighed = claiming.weighed(told, user=user)
    items = [one.claim.asserted_in for one in weighed if one.claim.asserted_in]
    observing.all_seen(user, items, rendition="claims", now=timezone.now())
    return [_claim(one) for one in weighed]


ClaimBody: Any = body_of(forms.ClaimForm, "Claim")


@router.post("/cases/{uuid:case}/claims", response=answers(shown.Made), auth=doors.DESCRIBE)
def new_claim(request: HttpRequest, case: uuid.UUID, said: ClaimBody) -> Any:
    """Record a claim that is not read from a statement's passage."""
    user, found = answering.user(request), answering.case(request, case, "describe")
    items = access.visible_to(user, "describe").filter(case=found)
    form = filled(forms.ClaimForm, said, items=items)
    return filing.claim(found, form.cleaned_data, user=user, now=timezone.now())


@router.get("/claims/{uuid:claim}", response=answers(ClaimAnswer), auth=doors.READ)
def claim(request: HttpRequest, claim: uuid.UUID) -> dict[str, Any]:
    """Read one claim."""
    user, found = answering.user(request), answering.claim(request, claim)
    if found.asserted_in:
        observing.seen(user, found.asserted_in, rendition="claim", now=timezone.now())
    (weighed,) = claiming.weighed([found], user=user)
    return _claim(weighed)


EvidenceBody: Any = body_of(forms.EvidenceForm, "Evidence")


@router.post("/claims/{uuid:claim}/evidence", response=answers(shown.Made), auth=doors.DESCRIBE)
def hold_to(request: HttpRequest, claim: uuid.UUID, said: EvidenceBody) -> Any:
    """Say that an item speaks for or against a claim."""
    user, found = answering.user(request), answering.claim(request, claim, "describe")
    items = access.visible_to(user, "view").filter(case=found.case)
    form = filled(forms.EvidenceForm, said, items=items)
    given = dict(form.cleaned_data)
    return claiming.hold_to(found, given.pop("item"), user=user, now=timezone.now(), **given)


AssessmentBody: Any = body_of(forms.AssessmentForm, "ClaimAssessment")


@router.post("/claims/{uuid:claim}/assessments", response=answers(shown.Made), auth=doors.DECIDE)
def assess(request: HttpRequest, claim: uuid.UUID, said: AssessmentBody) -> Any:
    """Judge a claim."""
    user, found = answering.user(request), answering.claim(request, claim, "assess")
    form = filled(forms.AssessmentForm, said)
    return assessing.assess(
        found, case=found.case, user=user, now=timezone.now(), **form.cleaned_data
    )


class FactAnswer(Schema):
    """That a fact of an identity is kept; what it is, only ``reveal`` tells."""

    id: uuid.UUID
    kind: str


class PersonAnswer(Schema):
    id: uuid.UUID
    pseudonym: str
    protected_status: str
    status_since: str
    note: str
    facts: list[FactAnswer]


@router.get("/cases/{uuid:case}/people", response=answers(list[PersonAnswer]), auth=doors.READ)
def people(request: HttpRequest, case: uuid.UUID) -> list[dict[str, Any]]:
    """Read the people of a case by their pseudonyms."""
    found = answering.case(request, case, "view")
    names = ("pseudonym", "protected_status", "status_since", "note")
    return [
        {
            "id": one.person,
            **{name: getattr(one, name) for name in names},
            "facts": [{"id": fact.pk, "kind": fact.kind} for fact in persons.facts_of(one)],
        }
        for one in persons.standing(found)
    ]


PersonBody: Any = body_of(forms.PersonForm, "Person")


@router.post("/cases/{uuid:case}/people", response=answers(shown.Made), auth=doors.DESCRIBE)
def new_person(request: HttpRequest, case: uuid.UUID, said: PersonBody) -> dict[str, Any]:
    """Add somebody under a pseudonym."""
    found = answering.case(request, case, "describe")
    form = filled(forms.PersonForm, said)
    row = persons.describe(
        found, user=answering.user(request), now=timezone.now(), **form.cleaned_data
    )
    return {"id": row.person}


FactBody: Any = body_of(forms.FactForm, "Fact")


@router.post(
    "/cases/{uuid:case}/people/{uuid:person}/facts",
    response=answers(shown.Made),
    auth=doors.DESCRIBE,
)
def keep_fact(
    request: HttpRequest, case: uuid.UUID, person: uuid.UUID, said: FactBody
) -> dict[str, Any]:
    """Keep a fact of somebody's identity, enciphered."""
    found = answering.case(request, case, "describe")
    who = Person.standing().filter(case=found, person=person).first()
    if who is None:
        raise Http404("No such person.")
    form = filled(forms.FactForm, said)
    row = persons.keep_fact(
        who, user=answering.user(request), now=timezone.now(), **form.cleaned_data
    )
    return {"id": row.pk}


class RevealingPurpose(Body):
    purpose: str = Field(..., min_length=1, max_length=2000)


class Identity(Schema):
    kind: str
    value: str


@router.post(
    "/cases/{uuid:case}/facts/{uuid:fact}/reveal", response=answers(Identity), auth=doors.REVEAL
)
def reveal(
    request: HttpRequest, case: uuid.UUID, fact: uuid.UUID, said: RevealingPurpose
) -> dict[str, Any]:
    """Tell a fact of somebody's identity to who may know it and says what for; recorded."""
    user, found = answering.user(request), answering.case(request, case, "see")
    row = PersonFact.standing().filter(case=found, pk=fact).first()
    if row is None or not access.may_reveal(user, found):
        observing.refused(user, act="reveal", what="identity", now=timezone.now())
        raise Http404("No such fact.")
    value = persons.reveal(row, purpose=said.purpose, user=user, now=timezone.now())
    return {"kind": row.kind, "value": value}
