"""Identity documents: what is printed, who carried it, whose it is; not whether it is genuine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from archive import custody
from archive.proof import events
from evidence import access, records
from evidence.models.assessment import Assessment
from evidence.models.identity_document import Authenticity, HolderRelation, IdentityDocument
from evidence.models.item import EvidenceItem


@dataclass(frozen=True)
class Document:
    """What stands of an identity document; both judgements begin as "not known"."""

    said: IdentityDocument | None
    authenticity: Authenticity
    holder_relation: HolderRelation
    assessments: list[Assessment]


def describe(item: EvidenceItem, *, user: User, now: datetime, **said: Any) -> IdentityDocument:
    """Record what a document says and who carried it, or correct that: the newest stands."""
    row = records.made(
        IdentityDocument,
        user=user,
        now=now,
        item=item,
        supersedes=IdentityDocument.standing().filter(item=item).first(),
        **said,
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        return records.keep(
            log,
            row,
            events.DocumentDescribed,
            item=item.pk,
            case=str(item.case_id),
            document_type=row.document_type,
        )


def standing(item: EvidenceItem) -> Document:
    """Return what stands of the item's document, its assessments newest first."""
    rows = list(
        Assessment.objects.filter(item=item)
        .select_related("recorded_by", "reviewer")
        .order_by("-recorded_at")
    )
    return Document(
        said=IdentityDocument.standing().filter(item=item).first(),
        authenticity=_newest(rows, "authenticity", Authenticity.UNASSESSED),
        holder_relation=_newest(rows, "holder_relation", HolderRelation.UNKNOWN),
        assessments=rows,
    )


def _newest(rows: list[Assessment], field: str, otherwise: Any) -> Any:
    """Return the last judgement of this kind: one about the holder leaves authenticity alone."""
    choices = type(otherwise)
    return next((choices(getattr(row, field)) for row in rows if getattr(row, field)), otherwise)
