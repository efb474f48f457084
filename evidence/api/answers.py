"""What the API answers with: one schema for each thing, and how it is read off the rows.

Times are UTC in RFC 3339; dates that people gave stay as they were written (EDTF).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse
from ninja import Schema

from evidence import access, presenting
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.export import Export
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload


class CaseAnswer(Schema):
    id: uuid.UUID
    reference: str
    title: str
    status: str
    default_level: str
    opened_at: datetime


class ItemLine(Schema):
    """An item as lists show it; ``page`` is its address for people, for good."""

    id: uuid.UUID
    case: uuid.UUID
    exhibit_number: str
    title: str
    kind: str
    level: str
    markers: list[str]
    status: str
    received_at: datetime
    page: str


class Items(Schema):
    """A page of a list, newest first; ``following`` goes into ``after`` for the next one."""

    items: list[ItemLine]
    following: str | None


class FileAnswer(Schema):
    """A file: ``role`` is evidentiary, derivative or redacted."""

    id: uuid.UUID
    role: str
    filename: str
    media_type: str
    size: int
    sha256: str
    sha512: str
    content: str


class AcquisitionAnswer(Schema):
    method: str
    acquired_by: str
    provided_by: str
    acquired_at: str
    tz_basis: str
    place: str
    url: str
    authority: str
    known_gaps: str


class MissingAnswer(Schema):
    of: str
    what: str


class ItemAnswer(ItemLine):
    """An item; what is of its content is empty for whom the role shows custody alone."""

    description: str
    source: str
    authored: str
    authored_basis: str
    place: str
    place_basis: str
    languages: list[str]
    integrity: str
    files: list[FileAnswer]
    acquisitions: list[AcquisitionAnswer]
    missing: list[MissingAnswer]
    contradictions: list[str]
    may: list[str]
    seen: str


class StepAnswer(Schema):
    """An entry of the ledger, with its values as of then and its leaf hash."""

    seq: int
    time: str
    kind: str
    sentence: str
    actor: str
    actor_id: str
    leaf: str
    outcome: str
    item: str
    values: dict[str, str]


class AssessmentAnswer(Schema):
    id: uuid.UUID
    status: str
    source_reliability: str
    information_credibility: str
    method: str
    confidence: str
    rationale: str
    recorded_at: datetime


class Done(Schema):
    """That it was recorded, in a sentence."""

    detail: str


class Made(Schema):
    """The id of what was recorded."""

    id: uuid.UUID


class UploadAnswer(Schema):
    """A file on its way: how many bytes are durable, its state, its receipt when it is sealed."""

    id: uuid.UUID
    case: str
    filename: str
    media_type: str
    length: int
    offset: int
    sha256: str
    state: str
    reason: str
    sealed: int | None = None
    item: uuid.UUID | None = None
    receipt: dict[str, Any] | None = None


class ExportAnswer(Schema):
    """An export: its state, how far it is, its digests when it is written and verified."""

    id: uuid.UUID
    case: uuid.UUID
    recipient: str
    purpose: str
    profile: str
    requested_at: datetime
    state: str
    percent: int
    words: str
    reason: str
    sha256: str
    size: int | None
    file_count: int | None
    filename: str
    items: list[uuid.UUID]


def case(one: Case) -> dict[str, Any]:
    names = ("id", "reference", "title", "status", "default_level", "opened_at")
    return {name: getattr(one, name) for name in names}


def line(item: EvidenceItem) -> dict[str, Any]:
    return {
        "id": item.pk,
        "case": item.case_id,
        "exhibit_number": item.exhibit_number,
        "title": item.title,
        "kind": item.kind,
        "level": item.effective_level,
        "markers": list(item.markers),
        "status": item.status,
        "received_at": item.created_at,
        "page": reverse("admin:evidence_evidenceitem_change", args=[item.pk]),
    }


def steps(shown: Iterable[presenting.Step]) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(one, name) for name in StepAnswer.model_fields if name != "values"},
            "values": dict(one.values),
        }
        for one in shown
    ]


def upload(row: Upload, state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "item": row.item_id if row.state == Upload.State.RECEIVED else None}


def export(made: Export, progress: dict[str, Any], filename: str) -> dict[str, Any]:
    bundle = made.bundle
    return {
        "id": made.pk,
        "case": made.case_id,
        "recipient": made.recipient,
        "purpose": made.purpose,
        "profile": bundle.profile,
        "requested_at": made.requested_at,
        **progress,
        "reason": bundle.reason,
        "sha256": bundle.sha256,
        "size": bundle.size,
        "file_count": bundle.file_count,
        "filename": filename,
        "items": sorted(made.items.values_list("pk", flat=True)),
    }


def name_of(agent: Agent | None) -> str:
    return str(agent.shown) if agent is not None else ""


def acts(user: Any, item: EvidenceItem) -> list[str]:
    """Return what the asker may do with an item."""
    every = sorted({act for rights in access.RIGHTS.values() for act in rights})
    return [act for act in every if access.may(user, act, item)]
