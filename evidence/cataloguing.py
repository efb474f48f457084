"""What is said of bytes that are kept: rows, entries and planned work, all or nothing.

Many files are catalogued in one transaction as one is: its statements are few, and one commit
stands for all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import User

from archive import custody, store
from archive.models.stored_object import StoredObject
from archive.proof import events
from evidence import access, dates, processing, reading_back, searching
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.source import Source


@dataclass(frozen=True)
class AcquisitionFacts:
    """How it came to be held, as given.  What is not known stays out."""

    method: str = Acquisition.Method.UNKNOWN
    acquired_by: Agent | None = None
    provided_by: Agent | None = None
    acquired_at: datetime | None = None
    acquired_at_text: str = ""
    tz_basis: str = Acquisition.TimeZoneBasis.UNKNOWN
    clock_source: str = Acquisition.Clock.UNKNOWN
    place: str = ""
    url: str = ""
    url_final: str = ""
    http_status: int | None = None
    context_note: str = ""
    authority: str = ""
    known_gaps: str = ""


@dataclass(frozen=True)
class Description:
    """What the uploader says the thing is.  Everything but title and kind may stay unsaid."""

    title: str
    kind: str
    description: str = ""
    source: Source | None = None
    languages: tuple[str, ...] = ()
    level: str = "internal"
    markers: tuple[str, ...] = ()
    authored_text: str = ""
    authored_earliest: datetime | None = None
    authored_latest: datetime | None = None
    authored_basis: str = EvidenceItem.TimeBasis.UNKNOWN
    place_text: str = ""
    latitude: float | None = None
    longitude: float | None = None
    precision_m: int | None = None
    place_basis: str = EvidenceItem.PlaceBasis.UNKNOWN
    parent: EvidenceItem | None = None
    derivation: str = ""


@dataclass(frozen=True)
class Offer:
    """One file on its way in, its bytes kept already."""

    kept: store.Kept
    filename: str
    media_type: str
    description: Description
    acquisition: AcquisitionFacts
    declared_sha256: str = ""
    intake_key: str = ""

    @property
    def sha256(self) -> str:
        return self.kept.measurement.sha256.hex()


class Catalogued(NamedTuple):
    """A new item's file, and the entry that says that its bytes were ingested."""

    file: EvidenceFile
    pending: custody.Pending


def catalogue(
    offers: Sequence[Offer], *, case: Case, user: User, now: datetime
) -> list[Catalogued]:
    """Make each an item of ``case`` with its file, acquisition, entries and planned work.

    All in one transaction, in the order given.  Raises IntegrityError when one's intake key is
    taken, store.StoreError when its digests contradict the catalogue's; nothing is catalogued then.
    """
    actor = access.actor_of(user, case)
    agent = access.agent_of(user)
    with custody.recording(actor=actor, now=now) as log:
        stored = _record_bytes(offers, now=now)
        case = Case.objects.select_for_update().get(pk=case.pk)
        given = case.exhibits_given
        case.exhibits_given += len(offers)
        case.save(update_fields=["exhibits_given"])
        items = [
            _item(offer, case, given + number, user=user, now=now)
            for number, offer in enumerate(offers, start=1)
        ]
        files = [
            _file(offer, item, kept, now=now)
            for offer, item, kept in zip(offers, items, stored, strict=True)
        ]
        EvidenceItem.objects.bulk_create(items)
        EvidenceFile.objects.bulk_create(files)
        Acquisition.objects.bulk_create(
            _acquisition(offer, item, by=agent) for offer, item in zip(offers, items, strict=True)
        )
        searching.index(items)
        done = [
            Catalogued(file, _say(log, offer, file, by=agent))
            for offer, file in zip(offers, files, strict=True)
        ]
        processing.plan(files, now=now)
    return done


def _record_bytes(offers: Sequence[Offer], *, now: datetime) -> list[StoredObject]:
    """Return the row of each one's bytes; what was damaged or lost is said to be whole again."""
    lost = StoredObject.objects.filter(pk__in={offer.sha256 for offer in offers}).exclude(
        state=StoredObject.State.STORED
    )
    repaired = {offer.sha256 for offer in offers if offer.kept.healed}
    repaired.update(lost.values_list("pk", flat=True))
    stored = store.record_all([offer.kept for offer in offers])
    for sha256 in sorted(repaired):
        reading_back.record_repair(sha256, now=now)
    return stored


def _item(offer: Offer, case: Case, number: int, *, user: User, now: datetime) -> EvidenceItem:
    said = offer.description
    written = dates.read_or_none(said.authored_text) if said.authored_text else None
    spanned = (said.authored_earliest, said.authored_latest)
    if written is not None and spanned == (None, None):
        spanned = (written.earliest, written.latest)
    item = EvidenceItem(
        case=case,
        exhibit_number=f"{case.reference}-{number:04d}",
        kind=said.kind,
        title=said.title.strip(),
        description=said.description,
        source=said.source,
        languages=list(said.languages),
        level=said.level,
        markers=list(said.markers),
        authored_text=said.authored_text,
        authored_earliest=spanned[0],
        authored_latest=spanned[1],
        authored_basis=said.authored_basis,
        place_text=said.place_text,
        latitude=said.latitude,
        longitude=said.longitude,
        precision_m=said.precision_m,
        place_basis=said.place_basis,
        parent=said.parent,
        root_exhibit=(said.parent.root_exhibit or said.parent) if said.parent else None,
        derivation=said.derivation,
        intake_key=offer.intake_key or None,
        created_by=user,
        created_at=now,
    )
    item.effective_level = item.governing_level()
    if _declared_match(offer) == EvidenceFile.Declared.MISMATCH:
        item.status = EvidenceItem.Status.CANDIDATE
    return item


def _file(offer: Offer, item: EvidenceItem, stored: StoredObject, *, now: datetime) -> EvidenceFile:
    return EvidenceFile(
        item=item,
        role=EvidenceFile.Role.EVIDENTIARY,
        stored=stored,
        sha256=offer.sha256,
        size=offer.kept.measurement.size,
        media_type=offer.media_type[:200],
        original_filename=offer.filename,
        declared_hash=f"sha256:{offer.declared_sha256}" if offer.declared_sha256 else "",
        declared_match=_declared_match(offer),
        created_at=now,
    )


def _acquisition(offer: Offer, item: EvidenceItem, *, by: Agent) -> Acquisition:
    given = offer.acquisition
    facts = {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}
    return Acquisition(
        item=item,
        hash_at_acquisition=f"sha256:{offer.declared_sha256 or offer.sha256}",
        hash_computed_by=_hash_computed_by(offer),
        **{**facts, "acquired_by": given.acquired_by or by},
    )


def _say(log: custody.Recording, offer: Offer, file: EvidenceFile, *, by: Agent) -> custody.Pending:
    """Add to the ledger what is new; return the entry on which the receipt rests."""
    item, said, given = file.item, offer.description, offer.acquisition
    case = str(item.case_id)
    log.add(
        events.ItemRegistered(
            case=case,
            exhibit_number=item.exhibit_number,
            item_kind=item.kind,
            level=item.effective_level,
            title=item.title,
            source=said.source.name if said.source and not said.source.confidential else None,
        ),
        item=item.pk,
    )
    log.add(
        events.ItemAcquired(
            case=case,
            method=given.method,
            hash_computed_by=_hash_computed_by(offer),
            acquired_by=(given.acquired_by or by).public_label,
            provided_by=given.provided_by.public_label if given.provided_by else None,
            acquired_at=given.acquired_at_text
            or (given.acquired_at.isoformat() if given.acquired_at else None),
            url=given.url or None,
            place=given.place or None,
            known_gaps=given.known_gaps or None,
        ),
        item=item.pk,
    )
    return log.add(
        events.MediaIngested(
            case=case,
            file=str(file.pk),
            sha256=offer.sha256,
            sha512=offer.kept.measurement.sha512.hex(),
            size=file.size,
            crc32=offer.kept.measurement.crc32,
            media_type=file.media_type,
            declared_sha256=offer.declared_sha256 or None,
            declared_match=file.declared_match,
            original_filename=offer.filename,
        ),
        item=item.pk,
    )


def _hash_computed_by(offer: Offer) -> str:
    return "collector" if offer.declared_sha256 else "archive"


def _declared_match(offer: Offer) -> str:
    if not offer.declared_sha256:
        return EvidenceFile.Declared.NOT_DECLARED
    same = offer.declared_sha256.lower() == offer.sha256
    return EvidenceFile.Declared.MATCH if same else EvidenceFile.Declared.MISMATCH
