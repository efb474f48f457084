"""Which items are looked at: the same filters for the list and for every view of a case.

A view that is narrowed is drawn from these items alone: what they say, where they were, who has to
do with them.  What belongs to no item, such as a claim that is asserted in none, is left out then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet

from evidence import access, searching
from evidence.models.case import Case
from evidence.models.item import EvidenceItem


@dataclass(frozen=True)
class Narrowing:
    """What is asked for; an empty member narrows nothing.  The end of the period is not in it."""

    q: str = ""
    kind: str = ""
    level: str = ""
    received_since: datetime | None = None
    received_until: datetime | None = None

    def __bool__(self) -> bool:
        return self != EVERYTHING

    def of(self, items: QuerySet[EvidenceItem], *, user: User) -> QuerySet[EvidenceItem]:
        """Return those of ``items`` that are asked for; searches look into what one may view."""
        if self.q.strip():
            readable = access.visible_to(user, "view")
            items = searching.find(items, self.q, readable=readable)
        given = {
            "kind": self.kind,
            "effective_level": self.level,
            "created_at__gte": self.received_since,
            "created_at__lt": self.received_until,
        }
        return items.filter(**{name: value for name, value in given.items() if value})


EVERYTHING = Narrowing()


def among(
    case: Case, *, user: User, asked: Narrowing, act: str = "view"
) -> QuerySet[EvidenceItem] | None:
    """Return the items of a case that are asked for, of those with which ``user`` may do ``act``.

    None where nothing is asked for: then a view is of the case as a whole.
    """
    if not asked:
        return None
    return asked.of(access.visible_to(user, act).filter(case=case), user=user)
