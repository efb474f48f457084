"""Sidecars: beside each original, one file for each item that has its bytes, to rebuild rows from.

Written after the commit from the rows, whole or not at all; rows are the truth while they are
there.  What a crash in between left out is written later.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from archive import store
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, UNREADABLE, Finding
from evidence import access
from evidence.models.file import EvidenceFile

logger = logging.getLogger(__name__)

FORMAT = 1
_BATCH = 500  # rows asked for at a time
#: What acts may change later; a sidecar says what it was when the item came in.
_LATER = frozenset({"title", "level", "case"})


def prepare(files: Iterable[EvidenceFile]) -> list[store.Sidecar]:
    """Return what the sidecars of these files, which are evidentiary copies, say."""
    return [(file.sha256, file.item_id, skeleton(file)) for file in files]


def write(sidecars: Sequence[store.Sidecar]) -> int:
    """Write them, and return how many; no row is asked for.

    What was received stays so when that fails.
    """
    try:
        store.write_sidecars(sidecars)
    except store.StoreError as error:
        logger.warning("%d sidecars were not written; the sweep will: %s", len(sidecars), error)
        return 0
    return len(sidecars)


def restore(*, since: datetime | None = None) -> int:
    """Write the sidecars that are missing, of what was received since then; return how many."""
    files = EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY)
    if since is not None:
        files = files.filter(created_at__gte=since)
    return sum(
        write(prepare(_rows().filter(pk=file)))
        for file, sha256, item in files.values_list("pk", "sha256", "item").iterator()
        if not store.has_sidecar(sha256, item)
    )


def skeleton(file: EvidenceFile) -> dict[str, Any]:
    """Return what the catalogue's skeleton is rebuilt from when the database is gone."""
    item = file.item
    return {
        "format": FORMAT,
        "case": {"id": str(item.case_id), "reference": item.case.reference},
        "item": str(item.pk),
        "exhibit_number": item.exhibit_number,
        "kind": item.kind,
        "title": item.title,
        "level": item.effective_level,
        "file": str(file.pk),
        "original_filename": file.original_filename,
        "media_type": file.media_type,
        "sha256": file.sha256,
        "sha512": file.stored.sha512 if file.stored else None,
        "size": file.size,
        "received_at": item.created_at.astimezone(UTC).isoformat(),
        "received_by": access.agent_of(item.created_by).opaque_id,
    }


def findings(full: bool = True) -> Iterator[Finding]:
    """Hold each sidecar in the store against the rows, as one check of a full audit."""
    if not full:
        return
    wrong = 0
    seen: set[uuid.UUID] = set()
    try:
        for some in _in_batches(one for one in store.survey() if one.item and not one.fault):
            for finding in _compared(some, seen):
                wrong += finding.outcome != NOT_CHECKED
                yield finding
    except store.StoreError as error:
        yield Finding("sidecars-unlisted", UNREADABLE, "the store", str(error))
        return
    files = EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY)
    for sha256, item in files.values_list("sha256", "item").iterator():
        if item not in seen:
            subject = f"sidecar {sha256}.{item}.json"
            yield Finding(
                "sidecar-missing", NOT_CHECKED, subject, "it will be written from the rows"
            )
    if seen and not wrong:
        yield Finding("sidecars-agree", PASSED, f"{len(seen)} sidecars", "say what the rows say")


def _compared(some: list[store.Lying], seen: set[uuid.UUID]) -> Iterator[Finding]:
    rows = {
        (row.sha256, str(row.item_id)): row
        for row in _rows().filter(item__in=[uuid.UUID(one.item) for one in some])
    }
    for one in some:
        row = rows.get((one.sha256, one.item))
        subject = f"store {one.path}"
        if row is None:
            yield Finding("sidecar-foreign", FAILED, subject, "no item has these bytes")
            continue
        seen.add(row.item_id)
        try:
            said = json.loads(store.read_sidecar(one.sha256, one.item))
        except store.StoreError as error:
            yield Finding("sidecar-unreadable", UNREADABLE, subject, str(error))
            continue
        except ValueError as error:
            yield Finding("sidecar-altered", FAILED, subject, f"not what was written: {error}")
            continue
        if unlike := _unlike(said, skeleton(row)):
            yield Finding("sidecar-altered", FAILED, subject, ", ".join(unlike))


def _unlike(said: object, shown: dict[str, Any]) -> list[str]:
    if not isinstance(said, dict):
        return ["it holds no members"]
    return [
        name
        for name in sorted(said.keys() | shown.keys())
        if name not in said or (name not in _LATER and said[name] != shown.get(name))
    ]


def _rows() -> Any:
    return EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY).select_related(
        "stored", "item__case", "item__created_by"
    )


def _in_batches(lying: Iterable[store.Lying]) -> Iterator[list[store.Lying]]:
    several = iter(lying)
    while some := list(islice(several, _BATCH)):
        yield some
