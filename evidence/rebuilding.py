"""The catalogue's skeleton again, from sidecars, when the database is gone.

A sidecar alone is a file that anybody could have written: an item comes back only where the ledger
says the same of it.  What only the database knew stays lost (descriptions, sources, memberships,
people's names), and the case that comes back is sealed until somebody has looked at it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from archive import custody, store
from archive.models.stored_object import StoredObject
from archive.proof import events
from archive.proof.entries import Entry
from evidence import disposing, processing, searching
from evidence.agreeing import REBUILT
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level

FORMAT = 1
REASON = "The item was rebuilt from its sidecar after the database was lost."


class _UnfitError(Exception):
    """A sidecar from which nothing is rebuilt; the message says why."""


@dataclass(frozen=True)
class Rebuilt:
    """What became of one sidecar; ``fault`` says why nothing was rebuilt from it."""

    sidecar: str
    exhibit: str = ""
    is_new: bool = False
    fault: str = ""


def rebuild(*, now: datetime) -> Iterator[Rebuilt]:
    """Bring back each item that a sidecar and the ledger agree on; yield each as it comes.

    Each item is its own transaction, and what is there stays as it is: it may be stopped and run
    again.  Raises StoreError when the store can't be listed, CustodyError when the ledger takes no
    entries: put them back first (``manage.py restore_entries``).
    """
    custody.require_what_was_signed()
    for one in store.survey():
        if not one.item or one.fault:
            continue
        name = f"{one.sha256}.{one.item}.json"
        try:
            said = _read(one)
            recorded = _recorded(said)
        except (_UnfitError, store.StoreError) as error:
            yield Rebuilt(name, fault=str(error))
            continue
        if EvidenceFile.objects.filter(pk=said["file"]).exists():
            yield Rebuilt(name, said["exhibit_number"])
            continue
        _bring_back(said, recorded, now=now)
        yield Rebuilt(name, said["exhibit_number"], is_new=True)


@dataclass(frozen=True)
class _Recorded:
    """The entries that took an item in."""

    registered: Entry
    acquired: Entry
    ingested: Entry


def _read(one: store.Lying) -> dict[str, Any]:
    try:
        said = json.loads(store.read_sidecar(one.sha256, one.item))
        if said["format"] != FORMAT:
            raise _UnfitError(f"it is of format {said['format']!r}")
        if (said["item"], said["sha256"]) != (one.item, one.sha256):
            raise _UnfitError("it speaks of another item or other bytes than its name")
        for name in ("item", "file"):
            uuid.UUID(said[name])
        uuid.UUID(said["case"]["id"])
        uuid.UUID(said["received_by"].removeprefix("a-"))
        datetime.fromisoformat(said["received_at"])
        Level(said["level"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _UnfitError(f"it can't be understood: {error!r}") from error
    return dict(said)


def _recorded(said: dict[str, Any]) -> _Recorded:
    found: dict[str, Entry] = {}
    for row in custody.entries(item=said["item"]):
        entry = Entry.decode(row.body.encode())
        is_of_file = entry.kind != events.MediaIngested.kind or entry.data["file"] == said["file"]
        if is_of_file:
            found.setdefault(entry.kind, entry)
    try:
        recorded = _Recorded(
            found[events.ItemRegistered.kind],
            found[events.ItemAcquired.kind],
            found[events.MediaIngested.kind],
        )
    except KeyError as error:
        raise _UnfitError(f"the ledger has no entry {error} of this item and file") from error
    expected = {
        "case": (recorded.registered.data["case"], said["case"]["id"]),
        "exhibit number": (recorded.registered.data["exhibit_number"], said["exhibit_number"]),
        "kind": (recorded.registered.data["item_kind"], said["kind"]),
        "SHA-256": (recorded.ingested.data["sha256"], said["sha256"]),
        "SHA-512": (recorded.ingested.data["sha512"], said["sha512"]),
        "size": (recorded.ingested.data["size"], said["size"]),
        "media type": (recorded.ingested.data["media_type"], said["media_type"]),
        "receiver": (recorded.ingested.actor, said["received_by"]),
    }
    unlike = [name for name, (ours, its) in expected.items() if ours != its]
    if unlike:
        raise _UnfitError(f"the ledger says otherwise of: {', '.join(unlike)}")
    return recorded


def _bring_back(said: dict[str, Any], recorded: _Recorded, *, now: datetime) -> None:
    received = datetime.fromisoformat(said["received_at"])
    ingested = recorded.ingested.data
    with custody.recording(actor=custody.ARCHIVE, now=now) as log:
        user, agent = _person(said["received_by"])
        case = _case(said, recorded, opened_at=received)
        stored, _ = StoredObject.objects.get_or_create(
            sha256=said["sha256"],
            defaults={
                "sha512": ingested["sha512"],
                "size": ingested["size"],
                "crc32": ingested["crc32"],
                "first_stored_at": received,
            },
        )
        item = EvidenceItem(
            id=uuid.UUID(said["item"]),
            case=case,
            exhibit_number=said["exhibit_number"],
            kind=said["kind"],
            title=str(said["title"])[:300],
            level=said["level"],
            created_by=user,
            created_at=received,
        )
        item.effective_level = item.governing_level()
        stood = disposing.stands(custody.history_of(item.pk))
        if stood is not None:
            item.status = stood[0]
        item.save(force_insert=True)
        if stood is not None and stood[1] != item.effective_level:
            log.add(
                events.ItemClassified(
                    case=str(case.pk),
                    before=stood[1],
                    after=item.effective_level,
                    markers_before=(),
                    markers_after=(),
                    reason=REASON,
                ),
                item=item.pk,
            )
        declared = ingested.get("declared_sha256")
        file = EvidenceFile.objects.create(
            id=uuid.UUID(said["file"]),
            item=item,
            role=EvidenceFile.Role.EVIDENTIARY,
            stored=stored,
            sha256=said["sha256"],
            size=said["size"],
            media_type=said["media_type"],
            original_filename=said["original_filename"],
            declared_hash=f"sha256:{declared}" if declared else "",
            declared_match=ingested["declared_match"],
            created_at=received,
        )
        searching.index([item])
        acquired = recorded.acquired.data
        Acquisition.objects.create(
            item=item,
            method=acquired["method"],
            acquired_by=agent,
            hash_at_acquisition=file.declared_hash or f"sha256:{file.sha256}",
            hash_computed_by=acquired["hash_computed_by"],
        )
        log.add(
            events.ItemDescribed(case=str(case.pk), fields=REBUILT, reason=REASON),
            item=item.pk,
        )
        processing.plan([file], now=now)


def _person(opaque: str) -> tuple[User, Agent]:
    """Return who received it: under the old id, without a name, and unable to log in."""
    key = uuid.UUID(opaque.removeprefix("a-"))
    agent = Agent.objects.filter(pk=key).select_related("user").first()
    if agent is not None and agent.user is not None:
        return agent.user, agent
    user = User(username=f"rebuilt-{opaque}", is_active=False)
    user.set_unusable_password()
    user.save()
    label = f"Unknown, formerly {opaque}"
    return user, Agent.objects.create(
        pk=key, user=user, kind=Agent.Kind.PERSON, label=label, is_protected=True
    )


def _case(said: dict[str, Any], recorded: _Recorded, *, opened_at: datetime) -> Case:
    reference = said["case"]["reference"]
    case, _ = Case.objects.get_or_create(
        pk=said["case"]["id"],
        defaults={
            "reference": reference,
            "title": f"{reference}, rebuilt",
            "description": "Rebuilt after the database was lost; sealed until it was looked at.",
            "default_level": Level.SEALED,
            "opened_at": opened_at,
        },
    )
    given = str(recorded.registered.data["exhibit_number"]).rpartition("-")[2]
    if given.isdecimal() and int(given) > case.exhibits_given:
        case.exhibits_given = int(given)  # no number is given twice
        case.save(update_fields=["exhibits_given"])
    return case
