"""Exports: choose, say for whom and why, write in the background, verify, then offer.

Only a bundle that our own verifier passed can be downloaded.  That it was asked for, written, or
not, and each download, are entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import User

from archive import custody, outbox
from archive.models.bundle import Bundle
from archive.proof import events
from evidence import access, dispatch
from evidence.models.export import Export
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level

#: Items named by one ``export.created`` entry; an entry holds at most 65,535 bytes.
ITEMS_PER_ENTRY = 300


class ExportError(Exception):
    """The export can't be made as asked; the message says what to do."""


class ExportForm(forms.Form):
    """For whom and why: both go into the custody ledger as salted digests."""

    recipient = forms.CharField(
        max_length=300, help_text="Who gets the bundle: the court, archive, or person."
    )
    purpose = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
        help_text="Why it leaves, and on what authority.",
    )


def export(
    items: Sequence[EvidenceItem], *, purpose: str, recipient: str, user: User, now: datetime
) -> Export:
    """Ask for a bundle of ``items``, all of one case.  A worker writes and verifies it.

    Raises ExportError when items are missing, of several cases, or not the user's to export.
    """
    if not items:
        raise ExportError("Choose at least one item.")
    case = items[0].case
    if any(item.case_id != case.pk for item in items):
        raise ExportError("A bundle holds items of one case; export each case by itself.")
    ids = {item.pk for item in items}
    allowed = access.visible_to(user, "export").filter(pk__in=ids).values_list("pk", flat=True)
    if set(allowed) != ids:
        raise ExportError("Some of these items can't be exported by you.")
    actor = access.actor_of(user, case)
    with custody.recording(actor=actor, now=now) as log:
        bundle = Bundle.objects.create(profile="full", requested_by=actor.id, created_at=now)
        made = Export.objects.create(
            bundle=bundle,
            case=case,
            purpose=purpose,
            recipient=recipient,
            requested_by=user,
            requested_at=now,
        )
        made.items.set(items)
        log.add(
            events.ExportRequested(
                bundle=str(bundle.pk),
                case=str(case.pk),
                items=sorted(str(pk) for pk in ids)[:ITEMS_PER_ENTRY],
                profile=bundle.profile,
                purpose=purpose,
                recipient=recipient,
            )
        )
        job = outbox.add("evidence.export", str(bundle.pk))
        dispatch.after_commit(job.pk)
    return made


def preview(items: Iterable[EvidenceItem]) -> dict[str, Any]:
    """Return how much would leave and how much of it is sensitive."""
    items = list(items)
    return {
        "size": sum(
            file.size
            for item in items
            for file in item.files.all()
            if file.role == EvidenceFile.Role.EVIDENTIARY
        ),
        "sensitive": sum(
            item.effective_level in {Level.RESTRICTED, Level.SEALED} for item in items
        ),
    }
