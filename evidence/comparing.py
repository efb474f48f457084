"""Deciding what two items are to each other, after a person has compared them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from archive.proof.canonical import canonical
from evidence import access
from evidence.models.item import EvidenceItem
from evidence.models.match import Match


class NoReasonError(ValueError):
    """A decision without a reason is of no use to whoever reads it later."""


def decide(
    one: EvidenceItem,
    other: EvidenceItem,
    *,
    decision: str,
    reason: str,
    shown: Mapping[str, Any],
    user: User,
    now: datetime,
) -> Match:
    """Record what ``user`` decided about two items; earlier decisions stay, this one stands.

    Both items' histories tell of it.  Raises NoReasonError, and ValueError for a decision that does
    not exist or an item compared with itself.
    """
    if not reason.strip():
        raise NoReasonError(_("Say in a few words what you saw; others will rely on it."))
    if decision not in Match.Decision.values or one.pk == other.pk:
        raise ValueError(decision)
    first, second = sorted((one, other), key=lambda item: item.pk)
    for before in history(one, other)[:1]:  # a clock that was put back makes no decision older
        now = max(now, before.decided_at + timedelta(microseconds=1))
    match = Match(
        first=first,
        second=second,
        decision=decision,
        reason=reason.strip(),
        shown=dict(shown),
        decided_by=access.agent_of(user),
        decided_at=now,
        salt=secrets.token_hex(32),
    )
    digest = record_sha256(match)
    with custody.recording(actor=access.actor_of(user, one.case), now=now) as log:
        match.save(force_insert=True)
        for item in (one, other):
            log.add(
                events.ItemCompared(
                    case=str(item.case_id),
                    decision=decision,
                    match=str(match.pk),
                    record_sha256=digest,
                ),
                item=item.pk,
            )
    return match


def record_sha256(match: Match) -> str:
    """Return the SHA-256 that the ledger names of a decision: of all of it, and its salt."""
    return hashlib.sha256(
        canonical(
            {
                "decided_at": match.decided_at.isoformat(),
                "decided_by": match.decided_by.opaque_id,
                "decision": match.decision,
                "first": str(match.first_id),
                "reason": match.reason,
                "salt": match.salt,
                "second": str(match.second_id),
                "shown": match.shown,
            }
        )
    ).hexdigest()


def decided(item: EvidenceItem, *, user: User) -> dict[UUID, Match]:
    """Return what stands about an item and others that ``user`` may view, by the other's id."""
    visible = access.visible_to(user, "view").values("pk")
    rows = Match.objects.filter(
        Q(first=item, second__in=visible) | Q(second=item, first__in=visible)
    )
    standing: dict[UUID, Match] = {}
    for row in rows.select_related("decided_by").order_by("-decided_at", "-pk"):
        other = row.second_id if row.first_id == item.pk else row.first_id
        standing.setdefault(other, row)
    return standing


def history(one: EvidenceItem, other: EvidenceItem) -> list[Match]:
    """Return all that was decided about two items, the newest first."""
    first, second = sorted((one.pk, other.pk))
    return list(
        Match.objects.filter(first=first, second=second)
        .select_related("decided_by")
        .order_by("-decided_at", "-pk")
    )
