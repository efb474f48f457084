"""Who has to do with which item of a case: carried a document, is its holder, said something, …

Each relation is what somebody recorded, never what a program concluded; of people the pseudonym is
shown, of protected parties nothing.  Only items that the asker may view are looked at.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from evidence import access, claiming, persons
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.statement import MediationStep, Statement

MOST = 500  # relations of each kind that are read, newest first


class Link(TextChoices):
    """What somebody has to do with an item."""

    DECLARED = "declared", _("says something in it")
    BEARER = "bearer", _("carried it")
    HOLDER = "holder", _("is its rightful holder")
    ABOUT = "about", _("is whom a claim in it is about")
    CLAIMED = "claimed", _("makes a claim in it")
    MEDIATED = "mediated", _("interpreted it or wrote it down")
    FOUND = "found", _("found it")


@dataclass(frozen=True, order=True)
class Who:
    """A person under a pseudonym, or a party."""

    name: str
    id: uuid.UUID
    is_person: bool


@dataclass(frozen=True)
class Relation:
    """That somebody has to do with an item in one way."""

    who: Who
    link: Link
    item: EvidenceItem


def of_case(
    case: Case,
    *,
    user: User,
    links: Iterable[str] = (),
    who: uuid.UUID | None = None,
    among: QuerySet[EvidenceItem] | None = None,
) -> list[Relation]:
    """Return the relations of a case's items, those of the asked ``links`` or all.

    Where it is given, only of the items ``among`` which one looks.  With ``who`` only of the items
    that this person or party has to do with: who else does.
    """
    items = access.visible_to(user, "view").filter(case=case) if among is None else among
    found = _relations(case, items.order_by(), user=user)
    if who is not None:
        theirs = {one.item.pk for one in found if one.who.id == who}
        found = [one for one in found if one.item.pk in theirs]
    wanted = set(links) or set(Link.values)
    return [one for one in found if one.link in wanted]


def of_item(item: EvidenceItem, *, user: User) -> list[Relation]:
    """Return who has to do with an item that ``user`` may view."""
    return _relations(item.case, EvidenceItem.objects.filter(pk=item.pk), user=user)


def _relations(case: Case, items: QuerySet[EvidenceItem], *, user: User) -> list[Relation]:
    raw = [*_documents(items), *_statements(items), *_mediations(items)]
    raw += _claims(case, items, user=user)
    known = {one.pk: one for one in items.filter(pk__in={row[2] for row in raw})}
    named = _names(case, raw)
    found = {
        (named[who], link, item): None for who, link, item in raw if who in named and item in known
    }
    relations = [Relation(who, link, known[item]) for who, link, item in found]
    return sorted(
        relations, key=lambda one: (not one.who.is_person, one.who, one.item.exhibit_number)
    )


#: Somebody's kind and id, what they have to do with it, and the item's id.
Raw = tuple[tuple[str, uuid.UUID], Link, uuid.UUID]


def _documents(items: QuerySet[EvidenceItem]) -> Iterator[Raw]:
    said = Q(bearer__isnull=False) | Q(rightful_holder__isnull=False) | Q(found_by__isnull=False)
    rows = IdentityDocument.standing().filter(said, item__in=items).order_by("-recorded_at")
    columns = ("item", "bearer", "rightful_holder", "found_by")
    for item, bearer, holder, finder in rows.values_list(*columns)[:MOST]:
        if bearer:
            yield ("person", bearer), Link.BEARER, item
        if holder:
            yield ("person", holder), Link.HOLDER, item
        if finder:
            yield ("agent", finder), Link.FOUND, item


def _statements(items: QuerySet[EvidenceItem]) -> Iterator[Raw]:
    rows = Statement.standing().filter(item__in=items, declarant__isnull=False)
    for item, who in rows.order_by("-recorded_at").values_list("item", "declarant")[:MOST]:
        if who:
            yield ("person", who), Link.DECLARED, item


def _mediations(items: QuerySet[EvidenceItem]) -> Iterator[Raw]:
    rows = MediationStep.standing().filter(item__in=items, mediator__isnull=False)
    for item, who in rows.order_by("-recorded_at").values_list("item", "mediator")[:MOST]:
        if who:
            yield ("agent", who), Link.MEDIATED, item


def _claims(case: Case, items: QuerySet[EvidenceItem], *, user: User) -> Iterator[Raw]:
    rows = claiming.visible(case, user=user).filter(asserted_in__in=items)
    for claim in rows.order_by("-recorded_at")[:MOST]:
        for link, parties in ((Link.ABOUT, claim.about), (Link.CLAIMED, claim.made_by)):
            for party in parties:
                for kind in ("person", "agent"):
                    if kind in party and claim.asserted_in_id:
                        yield (kind, uuid.UUID(party[kind])), link, claim.asserted_in_id


def _names(case: Case, raw: Iterable[Raw]) -> dict[tuple[str, uuid.UUID], Who]:
    asked = {row[0] for row in raw}
    people = persons.named(case, {one for kind, one in asked if kind == "person"})
    parties = Agent.objects.filter(pk__in={one for kind, one in asked if kind == "agent"})
    return {
        **{("person", pk): Who(row.pseudonym, pk, is_person=True) for pk, row in people.items()},
        **{("agent", one.pk): Who(one.shown, one.pk, is_person=False) for one in parties},
    }
