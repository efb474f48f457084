"""Holds the catalogue against the ledger: what was recorded of an item and its files stands.

One check of the audit.  Titles and descriptions may change by later acts; case, exhibit number,
kind and everything about an evidentiary file may not, nor a word of what people recorded of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import QuerySet

from archive import custody
from archive.models.ledger import Entry as Row
from archive.proof import events
from archive.proof.entries import Entry
from archive.proof.errors import MalformedError
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Finding
from evidence.models.assessment import Assessment
from evidence.models.bundle_import import BundleImport, ImportedItem
from evidence.models.claim import Claim, ClaimEvidence
from evidence.models.disposal import DisposalDecision, DisposalProposal, Hold, HoldLift
from evidence.models.embargo import Embargo
from evidence.models.export_profile import ExportProfile
from evidence.models.file import EvidenceFile
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.lowering import LoweringRequest
from evidence.models.person import Person, PersonFact
from evidence.models.record import Record
from evidence.models.redaction import RedactionRequest, RedactionResult
from evidence.models.release import (
    ReleaseDecision,
    ReleaseReceipt,
    ReleaseRequest,
    ReleaseRevocation,
)
from evidence.models.statement import MediationStep, SegmentText, Statement, StatementSegment

DIFFERS = "catalogue-differs"
AGREES = "catalogue-agrees"
MISSING = "catalogue-missing"
UNRECORDED = "catalogue-unrecorded"
LOST = "catalogue-lost"
#: The fields that an entry names when an item came back from its sidecar.
REBUILT = ("catalogue",)
_BATCH = 1_000  # rows asked for and held at a time


def findings(_full: bool = True) -> Iterator[Finding]:
    """Compare every item and evidentiary file with the entries that tell of it."""
    wrong = 0
    lost = _Lost(_rebuilt_at())
    turned = _turned()
    for name, code, detail in (
        *_held_against(
            events.ItemRegistered.kind, EvidenceItem.objects.all(), partial(_item_facts, turned)
        ),
        *_standing_held_against(turned),
        *_held_against(
            events.MediaIngested.kind,
            EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY),
            _file_facts,
        ),
        *_records_held_against(lost),
    ):
        wrong += 1
        yield Finding(code, FAILED, name, detail)
    if lost.number:
        yield Finding(
            LOST,
            NOT_CHECKED,
            "what was said of items",
            f"{lost.number} records that entries name were lost with the database; "
            "their items and cases were rebuilt without them",
        )
    if not wrong:
        yield Finding(
            AGREES,
            PASSED,
            "items, their originals and what was said of them",
            "stand in the catalogue as recorded",
        )


def _item_facts(turned: Mapping[str, dict[str, str]], item: EvidenceItem) -> dict[str, Any]:
    facts = {
        "case": str(item.case_id),
        "exhibit_number": item.exhibit_number,
        "item_kind": item.kind,
    }
    if "effective_level" not in turned.get(str(item.pk), {}):
        facts["level"] = item.effective_level
    return facts


#: Kinds of entries after which an item has another status.
TURNS = {
    events.ItemWithdrawn.kind: EvidenceItem.Status.WITHDRAWN,
    events.ItemReinstated.kind: EvidenceItem.Status.REGISTERED,
    events.ItemDisposed.kind: EvidenceItem.Status.DISPOSED,
}


def _turned() -> dict[str, dict[str, str]]:
    """Return how those items stand of which an entry says that it changed, by their ids."""
    turned: dict[str, dict[str, str]] = {}
    told = [
        (entry["seq"], entry["item"], "status", str(status))
        for kind, status in TURNS.items()
        for entry in custody.entries(kind=kind).values("seq", "item")
    ]
    for some in _batches(
        custody.entries(kind=events.ItemClassified.kind).iterator(chunk_size=_BATCH)
    ):
        told += [
            (seq, data["item"], "effective_level", str(data.get("after")))
            for _, (seq, data) in _recorded(some)
        ]
    for _, item, column, value in sorted(told, key=lambda one: one[0]):
        turned.setdefault(str(item), {})[column] = value
    return turned


def _standing_held_against(
    turned: Mapping[str, dict[str, str]],
) -> Iterator[tuple[str, str, str]]:
    """Compare how items stand with what the last entry says of it."""
    for some in _batches(iter(turned)):
        for item in EvidenceItem.objects.filter(pk__in=[_id(key) for key in some]):
            for column, value in turned[str(item.pk)].items():
                if getattr(item, column) != value:
                    said = f"the ledger says {value!r}, the catalogue {getattr(item, column)!r}"
                    yield f"item {item.pk}", DIFFERS, f"{column}: {said}"
    told = {key for key, said in turned.items() if "status" in said}
    for item in EvidenceItem.objects.filter(
        status__in=[EvidenceItem.Status.WITHDRAWN, EvidenceItem.Status.DISPOSED]
    ).iterator(chunk_size=_BATCH):
        if str(item.pk) not in told:
            yield f"item {item.pk}", DIFFERS, f"status: no entry says that it is {item.status}"


def _file_facts(file: EvidenceFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "size": file.size,
        "media_type": file.media_type,
        "stored": file.stored_id,
        "item": str(file.item_id),
    }


def _held_against(
    kind: str, rows: QuerySet[Any], facts: Callable[[Any], dict[str, Any]]
) -> Iterator[tuple[str, str, str]]:
    """Compare both ways, a batch at a time: memory does not grow with the catalogue."""
    noun = kind.split(".", 1)[0]
    # Entries first: what is taken in meanwhile is then a row too many, never one too few.
    for some in _batches(custody.entries(kind=kind).iterator(chunk_size=_BATCH)):
        recorded = dict(_recorded(some))
        held = {str(row.pk): row for row in rows.filter(pk__in=[_id(key) for key in recorded])}
        for key, (seq, data) in recorded.items():
            if key not in held:
                detail = f"entry {seq} took it in, and the catalogue has it not"
                yield f"{noun} {key}", MISSING, detail
                continue
            for field, value in facts(held[key]).items():
                if data.get(field) != value:
                    said = f"entry {seq} says {data.get(field)!r}, the catalogue {value!r}"
                    yield f"{noun} {key}", DIFFERS, f"{field}: {said}"
    for some in _batches(rows.order_by("pk").iterator(chunk_size=_BATCH)):
        items = {str(getattr(row, "item_id", row.pk)) for row in some}
        told = dict(_recorded(custody.entries(kind=kind).filter(item__in=items)))
        for row in some:
            if str(row.pk) not in told:
                yield f"{noun} {row.pk}", UNRECORDED, "no entry says that it was taken in"


#: What people record, by the kinds of entries that name it.
RECORDS: dict[str, type[Record]] = {
    events.PersonRecorded.kind: Person,
    events.PersonFactRecorded.kind: PersonFact,
    events.StatementRecorded.kind: Statement,
    events.StatementMediated.kind: MediationStep,
    events.SegmentRecorded.kind: StatementSegment,
    events.WordsRecorded.kind: SegmentText,
    events.DocumentDescribed.kind: IdentityDocument,
    events.ClaimRecorded.kind: Claim,
    events.ClaimEvidenceRecorded.kind: ClaimEvidence,
    events.Assessed.kind: Assessment,
    events.LoweringRequested.kind: LoweringRequest,
    events.EmbargoPlaced.kind: Embargo,
    events.EmbargoEnded.kind: Embargo,
    events.HoldPlaced.kind: Hold,
    events.HoldLifted.kind: HoldLift,
    events.DisposalProposed.kind: DisposalProposal,
    events.DisposalRefused.kind: DisposalDecision,
    events.ItemDisposed.kind: DisposalDecision,
    events.RedactionRequested.kind: RedactionRequest,
    events.ItemRedacted.kind: RedactionResult,
    events.ProfileSaved.kind: ExportProfile,
    events.ProfileWithdrawn.kind: ExportProfile,
    events.ReleaseRequested.kind: ReleaseRequest,
    events.ReleaseAuthorised.kind: ReleaseDecision,
    events.ReleaseRefused.kind: ReleaseDecision,
    events.ReleaseRevoked.kind: ReleaseRevocation,
    events.ReceiptAcknowledged.kind: ReleaseReceipt,
    events.BundleImported.kind: BundleImport,
    events.ItemImported.kind: ImportedItem,
}


@dataclass
class _Lost:
    """Counts records lost before the catalogue was rebuilt: a rebuild brings none back."""

    rebuilt: Mapping[str, int]
    number: int = 0

    def has(self, told: _Told) -> bool:
        """Say whether a record was lost so, and count it.

        Only what was said of an item that was rebuilt later, or of no item of such a case: what
        is taken from an item that a snapshot brought back is missing, as ever.
        """
        is_lost = told.seq < self.rebuilt.get(told.item or told.case, 0)
        self.number += is_lost
        return is_lost


class _Told(NamedTuple):
    """What an entry says of a record."""

    sha256: str
    seq: int
    item: str
    case: str


def _rebuilt_at() -> dict[str, int]:
    """Return the last entry that tells of a rebuilding, of each such item and its case."""
    last: dict[str, int] = {}
    for some in _batches(
        custody.entries(kind=events.ItemDescribed.kind).iterator(chunk_size=_BATCH)
    ):
        for _, (seq, data) in _recorded(some):
            if tuple(data.get("fields", ())) == REBUILT:
                for key in (str(data["item"]), str(data.get("case"))):
                    last[key] = max(seq, last.get(key, 0))
    return last


def _records_held_against(lost: _Lost) -> Iterator[tuple[str, str, str]]:
    """Compare each record with the digest that its entry names; look for those of no entry."""
    for model in dict.fromkeys(RECORDS.values()):
        noun = str(model._meta.verbose_name)  # noqa: SLF001  Django's own way to ask
        told = _digests_of(model)
        there = set()
        for row in model.objects.order_by("pk").iterator(chunk_size=_BATCH):
            key = str(row.pk)
            there.add(key)
            if key not in told:
                told |= _digests_of(model, since=row.recorded_at)  # it may be newer than the look
            if key not in told:
                yield f"{noun} {key}", UNRECORDED, "no entry says that it was recorded"
            elif told[key].sha256 != row.sha256() and not row.is_erased():
                yield f"{noun} {key}", DIFFERS, "it does not say what was recorded"
        for key in sorted(told.keys() - there):
            if not model.objects.filter(pk=_id(key)).exists() and not lost.has(told[key]):
                detail = "an entry names it, and the catalogue has it not"
                yield f"{noun} {key}", MISSING, detail


def _digests_of(model: type[Record], *, since: datetime | None = None) -> dict[str, _Told]:
    """Return what entries say of this table's records, by their ids."""
    told: dict[str, _Told] = {}
    for kind in (kind for kind, of in RECORDS.items() if of is model):
        rows = custody.entries(kind=kind, since=since)
        for some in _batches(rows.iterator(chunk_size=_BATCH)):
            told |= {
                str(data.get("record")): _Told(
                    str(data.get("record_sha256")), seq, data["item"] or "", str(data.get("case"))
                )
                for _, (seq, data) in _recorded(some)
            }
    return told


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(rows, _BATCH)):
        yield some


def _id(key: str) -> uuid.UUID:
    try:
        return uuid.UUID(key)
    except ValueError:
        return uuid.UUID(int=0)  # altered bytes name no row


def _recorded(entries: Iterable[Row]) -> Iterator[tuple[str, tuple[int, dict[str, Any]]]]:
    for row in entries:
        try:
            entry = Entry.decode(row.body.encode())
        except MalformedError:
            continue  # the ledger's own checks name these bytes
        data = {**entry.data, "item": entry.item, "stored": entry.data.get("sha256")}
        yield str(entry.data.get("file", entry.item)), (entry.seq, data)
