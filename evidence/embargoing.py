"""Embargoes: nothing of an item leaves the archive before a day, by any release or none.

To whom it was promised (a family, a prosecutor, a source) is its authority.  Setting one, moving
it and ending it are entries with their reasons; who exports can do none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from archive.proof.entries import format_time
from evidence import access, records
from evidence.models.embargo import Embargo
from evidence.models.item import EvidenceItem


class EmbargoError(ValueError):
    """The embargo can't be set, moved or ended so; the message says what to do."""


def place(
    item: EvidenceItem, *, until: datetime, authority: str, reason: str, user: User, now: datetime
) -> Embargo:
    """Let nothing of an item leave before ``until``; moves an embargo that there is.

    Raises EmbargoError for a time that has passed, and without an authority or a reason.
    """
    if until <= now:
        raise EmbargoError(_("Choose a time to come."))
    if not authority.strip() or not reason.strip():
        raise EmbargoError(_("Say on whose authority nothing leaves before then, and why."))
    row = records.made(
        Embargo,
        user=user,
        now=now,
        item=item,
        until=until,
        authority=authority,
        reason=reason,
        supersedes=_standing(item),
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        return records.keep(
            log,
            row,
            events.EmbargoPlaced,
            item=item.pk,
            case=str(item.case_id),
            until=format_time(until),
        )


def end(item: EvidenceItem, *, reason: str, user: User, now: datetime) -> Embargo:
    """End an item's embargo before its time.

    Raises EmbargoError without a reason, and where none is on it.
    """
    if not reason.strip():
        raise EmbargoError(_("Say why the embargo ends."))
    before = of(item, now=now)
    if before is None:
        raise EmbargoError(_("No embargo is on it."))
    row = records.made(Embargo, user=user, now=now, item=item, reason=reason, supersedes=before)
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        return records.keep(log, row, events.EmbargoEnded, item=item.pk, case=str(item.case_id))


def of(item: EvidenceItem, *, now: datetime) -> Embargo | None:
    """Return the embargo that is on an item now."""
    return next(iter(on([item], now=now)), None)


def on(items: Iterable[EvidenceItem], *, now: datetime) -> list[Embargo]:
    """Return the embargoes that are on these items now, those that last longest first."""
    rows = Embargo.standing().filter(item__in=list(items), until__gt=now)
    return list(rows.select_related("item", "recorded_by").order_by("-until"))


def _standing(item: EvidenceItem) -> Embargo | None:
    return Embargo.standing().filter(item=item).first()
