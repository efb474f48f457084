"""The only way in: keep the bytes, catalogue them, record it, plan what is to be worked out.

Order: bytes before rows.  A crash leaves bytes that no row names (the sweep reports them), never a
row without bytes.  Nothing is called received before it is durable, hashed and recorded.

The sidecar beside an original comes last, after the commit: written inside it, three syncs of a
disk would keep every other writer of the ledger waiting.  A crash in between leaves a sidecar out,
never a wrong one; ``sidecars.restore`` writes it from the rows.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from archive import anchors, checkpoints, custody, outbox, store
from archive.models.job import Job
from archive.models.stored_object import StoredObject
from archive.proof import events
from archive.proof.entries import Entry, format_time
from archive.signer import SignerError
from evidence import access, dispatch, processing, reading_back, searching, sidecars
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import MARKER_MINIMA
from evidence.models.protected_text import with_text
from evidence.models.source import Source
from evidence.models.upload import Upload

logger = logging.getLogger(__name__)


class IntakeError(Exception):
    """What was offered can't be taken in; the message says what to do, and nothing was kept."""


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
class Receipt:
    """What the uploader can keep: who holds what under which number, and the entry that says so."""

    item: uuid.UUID
    reference: str
    filename: str
    size: int
    sha256: str
    sha512: str
    entry_hash: str
    entry_seq: int
    time: str
    origin: str
    declared_match: str

    def as_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON values."""
        return {**dataclasses.asdict(self), "item": str(self.item)}


@dataclass(frozen=True)
class _Offer:
    """One file on its way in, its bytes kept already."""

    kept: store.Kept
    filename: str
    media_type: str
    case: Case
    user: User
    description: Description
    acquisition: AcquisitionFacts
    declared_sha256: str = ""
    intake_key: str = ""
    upload: Upload | None = field(default=None)


def receive(
    content: Iterable[bytes] | Path,
    *,
    filename: str,
    media_type: str,
    case: Case,
    user: User,
    description: Description,
    acquisition: AcquisitionFacts,
    declared_sha256: str = "",
    intake_key: str = "",
    now: datetime,
) -> Receipt:
    """Take one file into ``case`` as a new item, and return the receipt.

    Afterwards, also after a crash: the bytes are durable under their SHA-256; item, file,
    acquisition, custody entries and the plan of what to work out exist together or not at all.
    A second call with the same ``intake_key`` by the same user returns the first one's receipt.
    ``content`` is chunks of bytes, or the path of a file to read.

    Raises IntakeError for what can't be described, store.StoreError when the bytes can't be kept.
    """
    _must_be_describable(filename, description)
    if intake_key and (earlier := _received_before(user, intake_key)):
        return earlier
    kept = store.put(_chunks(content) if isinstance(content, Path) else content)
    return _record(
        _Offer(
            kept=kept,
            filename=filename,
            media_type=media_type,
            case=case,
            user=user,
            description=description,
            acquisition=acquisition,
            declared_sha256=declared_sha256,
            intake_key=intake_key,
        ),
        now=now,
    )


def seal_upload(
    upload: Upload, *, now: datetime, progress: Callable[[int, int], None] | None = None
) -> Receipt:
    """Turn a wholly arrived upload into an item.  Asking again returns the same receipt.

    Raises IntakeError for what no further attempt can help; the upload has failed then.  After a
    StoreError it stands as it stood: whoever will not ask again calls ``fail``.
    """
    key = f"upload:{upload.pk}"
    if earlier := _received_before(upload.owner, key):
        return earlier
    if upload.offset != upload.length:
        raise IntakeError(
            f"Only {upload.offset} of {upload.length} bytes have arrived; send the rest first."
        )
    try:
        description, acquisition = _from_fields(upload)
        _must_be_describable(upload.filename, description)
    except IntakeError as error:
        fail(upload, str(error))
        raise
    kept = store.put_file(upload.path, progress=progress)
    return _record(
        _Offer(
            kept=kept,
            filename=upload.filename,
            media_type=upload.media_type,
            case=upload.case,
            user=upload.owner,
            description=description,
            acquisition=acquisition,
            declared_sha256=upload.client_sha256,
            intake_key=key,
            upload=upload,
        ),
        now=now,
    )


def fail(upload: Upload, reason: str) -> None:
    """Say on an upload that is not received why it will not be, unless somebody asks anew."""
    Upload.objects.filter(pk=upload.pk).exclude(state=Upload.State.RECEIVED).update(
        state=Upload.State.FAILED, reason=reason
    )


def plan_sealing(upload: Upload) -> Job:
    """Have an upload sealed by a worker, because hashing it would outlast a request."""
    with transaction.atomic():
        job = outbox.add("evidence.seal", str(upload.pk))
        Upload.objects.filter(pk=upload.pk).update(state=Upload.State.SEALING, reason="")
        dispatch.after_commit(job.pk)
    return job


def seal(job: Job, progress: Callable[[int, int], None]) -> Callable[[], None]:
    """The outbox's handler for ``evidence.seal``; repeating it is harmless."""
    upload = Upload.objects.select_related("owner", "case").get(pk=job.subject)
    if upload.state != Upload.State.RECEIVED:
        try:
            seal_upload(upload, now=timezone.now(), progress=progress)
        except IntakeError as error:
            raise outbox.QuarantineError(str(error)) from error
    return lambda: None


def give_up(job: Job) -> None:
    """Say on the upload why it could not be sealed.  Called in the quarantine's transaction."""
    Upload.objects.filter(pk=job.subject).exclude(state=Upload.State.RECEIVED).update(
        state=Upload.State.FAILED, reason=job.last_error
    )


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(store.CHUNK):
            yield chunk


def _must_be_describable(filename: str, description: Description) -> None:
    if not filename or "\x00" in filename:
        raise IntakeError("The file has no usable name; rename it and send it again.")
    if not description.title.strip():
        raise IntakeError("Give the item a title.")
    if description.kind not in EvidenceItem.Kind.values:
        raise IntakeError(
            f"{description.kind!r} is no kind of item; choose one of "
            + ", ".join(EvidenceItem.Kind.values)
        )
    if unknown := set(description.markers) - set(MARKER_MINIMA):
        raise IntakeError("Unknown markers: " + ", ".join(sorted(unknown)))
    if description.latitude == 0 and description.longitude == 0:
        raise IntakeError("0°, 0° is what devices write when they know no place; leave it out.")


def _received_before(user: User, key: str) -> Receipt | None:
    file = (
        EvidenceFile.objects.filter(
            item__created_by=user, item__intake_key=key, role=EvidenceFile.Role.EVIDENTIARY
        )
        .select_related("item", "stored")
        .first()
    )
    return receipt_of(file) if file else None


def receipt_of(file: EvidenceFile) -> Receipt:
    """Return the receipt of an evidentiary copy, read from the ledger's own entry."""
    ingested = custody.entries(kind=events.MediaIngested.kind, item=file.item_id)
    row, entry = next(
        (row, written)
        for row, written in ((row, Entry.decode(row.body.encode())) for row in ingested)
        if written.data["file"] == str(file.pk)
    )
    if file.stored is None:
        raise RuntimeError("An evidentiary copy always has stored bytes.")
    return Receipt(
        item=file.item_id,
        reference=file.item.exhibit_number,
        filename=file.original_filename,
        size=file.size,
        sha256=file.sha256,
        sha512=file.stored.sha512,
        entry_hash=bytes(row.leaf).hex(),
        entry_seq=entry.seq,
        time=format_time(entry.time),
        origin=settings.LOG_ORIGIN,
        declared_match=file.declared_match,
    )


def _declared_match(declared: str, found: str) -> str:
    if not declared:
        return EvidenceFile.Declared.NOT_DECLARED
    same = declared.lower() == found
    return EvidenceFile.Declared.MATCH if same else EvidenceFile.Declared.MISMATCH


def _record(offer: _Offer, *, now: datetime) -> Receipt:
    try:
        file, pending = _catalogue(offer, now=now)
    except IntegrityError:
        # Two requests with one key: the other was first, and its answer is this one's too.
        if offer.intake_key and (earlier := _received_before(offer.user, offer.intake_key)):
            return earlier
        raise
    transaction.on_commit(partial(sidecars.write, file.pk), robust=True)
    transaction.on_commit(_seal_head, robust=True)
    if offer.upload is not None:
        transaction.on_commit(partial(store.discard_upload, offer.upload.path))
    return Receipt(
        item=file.item_id,
        reference=file.item.exhibit_number,
        filename=file.original_filename,
        size=file.size,
        sha256=file.sha256,
        sha512=offer.kept.measurement.sha512.hex(),
        entry_hash=pending.hash,
        entry_seq=pending.seq,
        time=format_time(pending.time),
        origin=settings.LOG_ORIGIN,
        declared_match=file.declared_match,
    )


def _seal_head() -> None:
    """Have the head signed unless it just was; the receipt's hash holds without, until the next."""
    try:
        checkpoints.keep_up(now=timezone.now())
    except (SignerError, custody.CustodyError, anchors.AnchorError, DatabaseError) as error:
        logger.warning("The head was not signed now; the next checkpoint covers it: %s", error)


def _catalogue(offer: _Offer, *, now: datetime) -> tuple[EvidenceFile, custody.Pending]:
    sha256 = offer.kept.measurement.sha256.hex()
    said = offer.description
    given = offer.acquisition
    actor = access.actor_of(offer.user, offer.case)
    agent = access.agent_of(offer.user)
    with custody.recording(actor=actor, now=now) as log:
        lost = StoredObject.objects.filter(pk=sha256).exclude(state=StoredObject.State.STORED)
        repaired = offer.kept.healed or lost.exists()
        stored = store.record(offer.kept)
        if repaired:
            reading_back.record_repair(sha256, now=now)
        case = Case.objects.select_for_update().get(pk=offer.case.pk)
        case.exhibits_given += 1
        case.save(update_fields=["exhibits_given"])
        item = EvidenceItem(
            case=case,
            exhibit_number=f"{case.reference}-{case.exhibits_given:04d}",
            kind=said.kind,
            title=said.title.strip(),
            description=said.description,
            source=said.source,
            languages=list(said.languages),
            level=said.level,
            markers=list(said.markers),
            authored_text=said.authored_text,
            authored_earliest=said.authored_earliest,
            authored_latest=said.authored_latest,
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
            created_by=offer.user,
            created_at=now,
        )
        item.effective_level = item.governing_level()
        match = _declared_match(offer.declared_sha256, sha256)
        if match == EvidenceFile.Declared.MISMATCH:
            item.status = EvidenceItem.Status.CANDIDATE
        item.save(force_insert=True)
        file = EvidenceFile.objects.create(
            item=item,
            role=EvidenceFile.Role.EVIDENTIARY,
            stored=stored,
            sha256=sha256,
            size=offer.kept.measurement.size,
            media_type=offer.media_type[:200],
            original_filename=offer.filename,
            declared_hash=f"sha256:{offer.declared_sha256}" if offer.declared_sha256 else "",
            declared_match=match,
            created_at=now,
        )
        searching.index([item])
        Acquisition.objects.create(
            item=item,
            hash_at_acquisition=file.declared_hash or f"sha256:{sha256}",
            hash_computed_by="collector" if offer.declared_sha256 else "archive",
            **{**_shallow(given), "acquired_by": given.acquired_by or agent},
        )
        log.add(
            events.ItemRegistered(
                case=str(case.pk),
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
                case=str(case.pk),
                method=given.method,
                hash_computed_by="collector" if offer.declared_sha256 else "archive",
                acquired_by=(given.acquired_by or agent).public_label,
                provided_by=given.provided_by.public_label if given.provided_by else None,
                acquired_at=given.acquired_at_text
                or (given.acquired_at.isoformat() if given.acquired_at else None),
                url=given.url or None,
                place=given.place or None,
                known_gaps=given.known_gaps or None,
            ),
            item=item.pk,
        )
        pending = log.add(
            events.MediaIngested(
                case=str(case.pk),
                file=str(file.pk),
                sha256=sha256,
                sha512=offer.kept.measurement.sha512.hex(),
                size=file.size,
                crc32=offer.kept.measurement.crc32,
                media_type=file.media_type,
                declared_sha256=offer.declared_sha256 or None,
                declared_match=match,
                original_filename=offer.filename,
            ),
            item=item.pk,
        )
        processing.plan(file, now=now)
        if offer.upload is not None:
            Upload.objects.filter(pk=offer.upload.pk).update(
                state=Upload.State.RECEIVED, item=item, reason=""
            )
    return file, pending


def _shallow(given: AcquisitionFacts) -> dict[str, Any]:
    return {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}


#: The fields of an upload's row that describe the item and its acquisition.
_DESCRIPTION_FIELDS = ("title", "kind", "description", "level", "authored_text", "place_text")
_ACQUISITION_FIELDS = (
    "method",
    "acquired_at_text",
    "url",
    "place",
    "context_note",
    "authority",
    "known_gaps",
)


def _from_fields(upload: Upload) -> tuple[Description, AcquisitionFacts]:
    """Read what the upload page sent along: defaults with the row's own answers over them."""
    fields: dict[str, Any] = upload.fields
    try:
        source = Source.objects.get(pk=fields["source"]) if fields.get("source") else None
    except (Source.DoesNotExist, ValueError) as error:
        raise IntakeError("The chosen source does not exist; choose another.") from error
    provided_by = None
    if name := str(fields.get("provided_by", "")).strip():
        provided_by = with_text(Agent.objects.all(), "label", name) or Agent.objects.create(
            label=name, kind=Agent.Kind.UNKNOWN
        )
    languages = fields.get("languages") or []
    if isinstance(languages, str):
        languages = [one.strip() for one in languages.split(",") if one.strip()]
    described: dict[str, Any] = {
        name: str(fields[name]) for name in _DESCRIPTION_FIELDS if fields.get(name)
    }
    acquired: dict[str, Any] = {
        name: str(fields[name]) for name in _ACQUISITION_FIELDS if fields.get(name)
    }
    described.setdefault("title", upload.filename.rsplit("/", 1)[-1])
    described.setdefault("kind", kind_of(upload.media_type))
    instant, basis = instant_of(acquired.get("acquired_at_text", ""))
    return (
        Description(source=source, languages=tuple(languages), **described),
        AcquisitionFacts(provided_by=provided_by, acquired_at=instant, tz_basis=basis, **acquired),
    )


def _said(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: str(fields[name]) for name in names if fields.get(name)}


def instant_of(text: str) -> tuple[datetime | None, str]:
    """Return the instant that ``text`` names and how its zone is known.

    A time without an offset names no instant; the text is kept as it is and no zone is put in.
    """
    basis = Acquisition.TimeZoneBasis
    if not text.strip():
        return None, basis.UNKNOWN
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None, basis.UNKNOWN
    if parsed.tzinfo is None:
        return None, basis.UNKNOWN
    return parsed, basis.UTC if text.strip().endswith("Z") else basis.EXPLICIT_OFFSET


def kind_of(media_type: str) -> str:
    """Return the kind that a media type suggests; the researcher may say otherwise."""
    major = media_type.split("/", 1)[0]
    if major in {"video", "image", "audio"}:
        return major
    return "document"


def digest_key(path: Path, case: Case) -> str:
    """Return the intake key of a file found on disk, in a case: name, size and time of change."""
    stat = path.stat()
    text = f"{case.pk}\n{path.absolute()}\n{stat.st_size}\n{stat.st_mtime_ns}"
    return "file:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
