"""A case at a glance: what is in it, how much room it takes, and who works on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet, Sum, TextChoices

from evidence import access
from evidence.models.case import Case, CaseMembership
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level


@dataclass(frozen=True)
class Share:
    """How many items are of one kind, level or standing; ``query`` lists them."""

    name: str
    number: int
    percent: float
    query: str


@dataclass(frozen=True)
class Member:
    """Who works on the case, as what, until when."""

    name: str
    role: str
    until: datetime | None


@dataclass(frozen=True)
class Survey:
    """What a person may know of a case as a whole: of the items that they may see."""

    items: int
    kinds: list[Share]
    levels: list[Share]
    originals: int
    original_bytes: int
    derived: int
    derived_bytes: int
    largest: list[EvidenceFile]
    members: list[Member]


LARGEST = 5


def survey(
    case: Case, *, user: User, now: datetime, among: QuerySet[EvidenceItem] | None = None
) -> Survey:
    """Look a case over, or some of its items."""
    every = access.visible_to(user).filter(case=case)
    items = (every if among is None else among).order_by()
    number = items.count()
    files = EvidenceFile.objects.filter(item__in=items)
    is_original = Q(role=EvidenceFile.Role.EVIDENTIARY)
    room = files.order_by().aggregate(
        originals=Count("pk", filter=is_original),
        original_bytes=Sum("size", filter=is_original, default=0),
        derived=Count("pk", filter=~is_original),
        derived_bytes=Sum("size", filter=~is_original, default=0),
    )
    originals = files.filter(is_original).select_related("item")
    memberships = CaseMembership.objects.filter(
        Q(until__isnull=True) | Q(until__gt=now), case=case
    ).select_related("user")
    return Survey(
        items=number,
        kinds=_counts(items, "kind", EvidenceItem.Kind, number, case),
        levels=_counts(items, "effective_level", Level, number, case),
        largest=list(originals.order_by("-size")[:LARGEST]),
        members=sorted(
            (
                Member(
                    each.user.get_full_name() or each.user.get_username(),
                    each.get_role_display(),
                    each.until,
                )
                for each in memberships
            ),
            key=lambda one: (one.role, one.name),
        ),
        **room,
    )


def _counts(
    items: QuerySet[EvidenceItem],
    field: str,
    choices: type[TextChoices],
    number: int,
    case: Case,
) -> list[Share]:
    rows = items.values_list(field).annotate(number=Count("pk")).order_by("-number", field)
    return [
        Share(
            str(choices(value).label),
            found,
            round(100 * found / number, 1),
            f"?case={case.pk}&{field}__exact={value}",
        )
        for value, found in rows
    ]
