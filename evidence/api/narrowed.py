"""Which items are asked for: one set of filters for the list and each view of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from evidence import answering, narrowing, searching
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level


class ItemsAsked(Schema):
    """Words as in the pages' box, and filters; the end of the period is not in it."""

    q: str = Field(
        "", max_length=300, description=f"Finds at most {searching.MOST} items, the newest."
    )
    kind: EvidenceItem.Kind | None = None
    level: Level | None = None
    received_since: datetime | None = None
    received_until: datetime | None = None


def asked(said: ItemsAsked) -> narrowing.Narrowing:
    """Return what is asked for."""
    return narrowing.Narrowing(
        q=said.q,
        kind=said.kind or "",
        level=said.level or "",
        received_since=said.received_since,
        received_until=said.received_until,
    )


def within(
    request: HttpRequest, case: Case, said: ItemsAsked, *, act: str = "view"
) -> dict[str, Any]:
    """Return, for the acts that look at a case, the items to look among."""
    among: QuerySet[EvidenceItem] | None = narrowing.among(
        case, user=answering.user(request), asked=asked(said), act=act
    )
    return {"among": among}
