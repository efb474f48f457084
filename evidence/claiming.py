"""Claims: what is said to be so, by whom and through whom, with what speaks for and against it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from evidence import access, dates, persons, places, records, searching, testimony
from evidence.models.agent import Agent
from evidence.models.assessment import Assessment, Standing
from evidence.models.case import Case
from evidence.models.claim import Bearing, Claim, ClaimEvidence
from evidence.models.item import EvidenceItem
from evidence.models.person import Person
from evidence.models.statement import MediationStep, StatementSegment

#: A part of about, made_by or reported_by: {"person"|"agent"|"item": id} or {"words": text}.
Party = Mapping[str, str]


class UnclearError(ValueError):
    """A claim, or what is held to it, that says too little or contradicts itself."""


@dataclass(frozen=True)
class Weighed:
    """A claim with everything that its reader must see beside it."""

    claim: Claim
    about: list[str]
    made_by: list[str]
    reported_by: list[str]
    chain: list[MediationStep]
    supports: list[ClaimEvidence] = field(default_factory=list)
    contradicts: list[ClaimEvidence] = field(default_factory=list)
    context: list[ClaimEvidence] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)

    @property
    def groups(self) -> list[str]:
        """Return the independent groups that support it."""
        return sorted({one.independence_group for one in self.supports})

    @property
    def governing(self) -> Assessment | None:
        """Return the newest assessment that nothing supersedes."""
        return records.newest(
            one
            for one in self.assessments
            if not any(other.supersedes_id == one.pk for other in self.assessments)
        )

    @property
    def status(self) -> Standing:
        """Return how far it is supported; corroboration that the evidence lacks is not shown."""
        said = Standing(self.governing.status) if self.governing else Standing.UNASSESSED
        if said == Standing.CORROBORATED and len(self.groups) < 2:
            return Standing.PARTLY
        return said

    @property
    def by_bearing(self) -> list[list[ClaimEvidence]]:
        """Return what supports, what contradicts, and the context."""
        return [self.supports, self.contradicts, self.context]

    @property
    def newest_first(self) -> list[Assessment]:
        """Return the assessments, the one that governs first."""
        return sorted(self.assessments, key=lambda row: row.recorded_at, reverse=True)

    @property
    def why(self) -> str:
        """Say how independent its support is."""
        number = len(self.groups)
        if not self.supports:
            return _("Nothing has been recorded that supports it.")
        if number == 1 and len(self.supports) == 1:
            return _("Not corroborated: one entry supports it.")
        if number == 1:
            return _(
                "Not corroborated: all {number} entries that support it go back to one origin."
            ).format(number=len(self.supports))
        return _("Supported by {number} independent origins.").format(number=number)


def claim(
    case: Case, *, text: str, user: User, now: datetime, of: Claim | None = None, **said: Any
) -> Claim:
    """Record what somebody claims, or correct how it was recorded (``of``).

    Raises UnclearError when it says nothing, gives a date or a position that can't be read, or
    cites words that are not of the item it cites.
    """
    if not text.strip():
        raise UnclearError(_("Write what is claimed."))
    _must_be_readable(said)
    words, item = said.get("words"), said.get("asserted_in")
    if words is not None:
        if item is not None and words.segment.item_id != item.pk:
            raise UnclearError(_("These words are of another item."))
        item = said["asserted_in"] = words.segment.item
    if item is not None and item.case_id != case.pk:
        raise UnclearError(_("A claim is asserted in items of its own case."))
    for name in ("about", "made_by", "reported_by"):
        said[name] = [_checked(one, case) for one in said.get(name, [])]
    row = records.made(Claim, user=user, now=now, case=case, text=text, supersedes=of, **said)
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        records.keep(
            log,
            row,
            events.ClaimRecorded,
            item=item.pk if item else None,
            case=str(case.pk),
            claim_kind=row.kind,
        )
        if item is not None:
            searching.index_content(item)
    return row


def hold_to(
    claim: Claim,
    item: EvidenceItem,
    *,
    bearing: str,
    user: User,
    now: datetime,
    independence_group: str = "",
    segment: StatementSegment | None = None,
    other_claim: Claim | None = None,
    note: str = "",
) -> ClaimEvidence:
    """Record that an item speaks for or against a claim, and which origin it repeats.

    Without a group of its own it has its source's; without either, it stands in one group with all
    else whose origin nobody knows.
    """
    if item.case_id != claim.case_id:
        raise UnclearError(_("Evidence for a claim is of the same case."))
    if bearing not in Bearing.values:
        raise UnclearError(_("Say whether it supports the claim, contradicts it, or is context."))
    source = item.source
    group = independence_group.strip() or (source.independence_group if source else "")
    row = records.made(
        ClaimEvidence,
        user=user,
        now=now,
        claim=claim,
        item=item,
        bearing=bearing,
        independence_group=group or "origin not known",
        segment=segment,
        other_claim=other_claim,
        note=note,
    )
    with custody.recording(actor=access.actor_of(user, claim.case), now=now) as log:
        return records.keep(
            log,
            row,
            events.ClaimEvidenceRecorded,
            item=item.pk,
            case=str(claim.case_id),
            claim=str(claim.pk),
            bearing=bearing,
        )


def visible(
    case: Case,
    *,
    user: User,
    act: str = "view",
    among: QuerySet[EvidenceItem] | None = None,
) -> QuerySet[Claim]:
    """Return the case's standing claims that ``user`` may read: those of items that they view.

    Only those asserted in the items ``among`` which one looks, where that is given.
    """
    items = access.visible_to(user, act).filter(case=case)
    within = Q(asserted_in__isnull=True) | Q(asserted_in__in=items)
    if among is not None:
        within &= Q(asserted_in__in=among.order_by())
    return (
        Claim.standing()
        .filter(case=case)
        .filter(within)
        .select_related("asserted_in", "words__segment", "words__step")
    )


def weighed(claims: Iterable[Claim], *, user: User) -> list[Weighed]:
    """Return claims with what speaks to them, as far as ``user`` may see it."""
    several = list(claims)
    if not several:
        return []
    case = several[0].case
    items = access.visible_to(user, "view").filter(case=case)
    evidence = (
        ClaimEvidence.standing()
        .filter(claim__in=several, item__in=items)
        .select_related("item", "item__source", "segment", "other_claim")
    )
    assessments = Assessment.objects.filter(claim__in=several).select_related("recorded_by")
    name = _Names(case, several, items)
    found = []
    for one in several:
        mine = [row for row in evidence if row.claim_id == one.pk]
        by = {bearing: [row for row in mine if row.bearing == bearing] for bearing in Bearing}
        found.append(
            Weighed(
                claim=one,
                about=name.all(one.about),
                made_by=name.all(one.made_by),
                reported_by=name.all(one.reported_by),
                chain=testimony.chain_of(one.words) if one.words else [],
                supports=by[Bearing.SUPPORTS],
                contradicts=by[Bearing.CONTRADICTS],
                context=by[Bearing.CONTEXT],
                assessments=[row for row in assessments if row.claim_id == one.pk],
            )
        )
    return found


def _must_be_readable(said: Mapping[str, Any]) -> None:
    try:
        for name in ("asserted_at", "happened_at"):
            if said.get(name):
                dates.read(said[name])
        if said.get("position"):
            places.read(said["position"])
    except (dates.UnreadableDateError, places.UnreadablePlaceError) as error:
        raise UnclearError(str(error)) from error
    if bool(said.get("position")) != bool(said.get("position_basis")):
        raise UnclearError(_("Give a position together with what it rests on."))


class _Names:
    """Labels of the parties of some claims, each kind asked for once."""

    def __init__(self, case: Case, claims: Sequence[Claim], items: QuerySet[EvidenceItem]) -> None:
        parties = [
            one for claim in claims for one in (*claim.about, *claim.made_by, *claim.reported_by)
        ]
        wanted = {
            kind: {uuid.UUID(one[kind]) for one in parties if kind in one}
            for kind in ("person", "agent", "item")
        }
        self._known: dict[tuple[str, uuid.UUID], str] = {}
        for person, row in persons.named(case, wanted["person"]).items():
            self._known["person", person] = row.pseudonym
        agents = Agent.objects.filter(pk__in=wanted["agent"]).select_related("organisation")
        for agent in agents:
            self._known["agent", agent.pk] = _name_of(agent)
        for item in items.filter(pk__in=wanted["item"]):
            self._known["item", item.pk] = item.exhibit_number

    def all(self, parties: Iterable[Party]) -> list[str]:
        """Return their labels; what one may not see is "an item"."""
        shown = []
        for one in parties:
            if "words" in one:
                shown.append(one["words"])
                continue
            ((kind, identifier),) = one.items()
            shown.append(self._known.get((kind, uuid.UUID(identifier)), _UNSEEN[kind]()))
        return shown


#: What is said of somebody or something that the reader may not see.
_UNSEEN: dict[str, Callable[[], str]] = {
    "person": lambda: _("a person"),
    "agent": lambda: _("a party"),
    "item": lambda: _("an item"),
}


def _name_of(agent: Agent) -> str:
    if not agent.is_protected:
        return str(agent.label)
    side = agent.organisation
    if side is None or side.is_protected:
        return _("somebody whose name is protected")
    return _("somebody of {side} whose name is protected").format(side=side.label)


def _checked(party: Party, case: Case) -> dict[str, str]:
    if len(party) != 1:
        raise UnclearError(_("Name one person, party or item, or say in words who it is."))
    ((kind, value),) = party.items()
    if kind == "words":
        if not value.strip():
            raise UnclearError(_("Say in words who it is."))
        return {"words": value.strip()}
    there = {
        "person": Person.objects.filter(case=case, person=value),
        "agent": Agent.objects.filter(pk=value),
        "item": EvidenceItem.objects.filter(case=case, pk=value),
    }.get(kind)
    if there is None or not there.exists():
        raise UnclearError(_("There is no such {kind}.").format(kind=kind))
    return {kind: str(value)}
