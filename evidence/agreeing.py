"""Holds the catalogue against the ledger: what was recorded of an item and its files stands.

One check of the audit.  Titles and descriptions may change by later acts; case, exhibit number,
kind and everything about an evidentiary file may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

from archive import custody
from archive.models.ledger import Entry as Row
from archive.proof import events
from archive.proof.entries import Entry
from archive.proof.errors import MalformedError
from archive.proof.report import FAILED, PASSED, Finding
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem

DIFFERS = "catalogue-differs"
AGREES = "catalogue-agrees"
MISSING = "catalogue-missing"
UNRECORDED = "catalogue-unrecorded"


def findings(_full: bool = True) -> Iterator[Finding]:
    """Compare every item and evidentiary file with the entry that took it in: four queries."""
    wrong = 0
    for name, code, detail in (
        *_held_against(events.ItemRegistered.kind, EvidenceItem.objects.all(), _item_facts),
        *_held_against(
            events.MediaIngested.kind,
            EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY),
            _file_facts,
        ),
    ):
        wrong += 1
        yield Finding(code, FAILED, name, detail)
    if not wrong:
        yield Finding(
            AGREES, PASSED, "items and their originals", "stand in the catalogue as recorded"
        )


def _item_facts(item: EvidenceItem) -> dict[str, Any]:
    return {
        "case": str(item.case_id),
        "exhibit_number": item.exhibit_number,
        "item_kind": item.kind,
    }


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
    noun = kind.split(".", 1)[0]
    # Entries first: what is taken in meanwhile is then a row too many, never one too few.
    recorded = dict(_recorded(custody.entries(kind=kind)))
    held = {str(row.pk): row for row in rows}
    for key, (seq, data) in recorded.items():
        if key not in held:
            yield f"{noun} {key}", MISSING, f"entry {seq} took it in, and the catalogue has it not"
            continue
        for field, value in facts(held[key]).items():
            if data.get(field) != value:
                said = f"entry {seq} says {data.get(field)!r}, the catalogue {value!r}"
                yield f"{noun} {key}", DIFFERS, f"{field}: {said}"
    for key in held.keys() - recorded.keys():
        item = getattr(held[key], "item_id", held[key].pk)
        if key not in dict(_recorded(custody.entries(kind=kind, item=item))):
            yield f"{noun} {key}", UNRECORDED, "no entry says that it was taken in"


def _recorded(entries: QuerySet[Row]) -> Iterator[tuple[str, tuple[int, dict[str, Any]]]]:
    for row in entries.iterator():
        try:
            entry = Entry.decode(row.body.encode())
        except MalformedError:
            continue  # the ledger's own checks name these bytes
        data = {**entry.data, "item": entry.item, "stored": entry.data.get("sha256")}
        yield str(entry.data.get("file", entry.item)), (entry.seq, data)
