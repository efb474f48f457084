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
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from archive import anchors, checkpoints, custody, outbox, store
from archive.models.job import Job
from archive.proof import events
from archive.proof.entries import Entry, format_time
from archive.signer import SignerError
from evidence import cataloguing, dispatch, sidecars
from evidence.cataloguing import AcquisitionFacts, Description, Offer
from evidence.formats.receipt import ReceiptRecord
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import MARKER_MINIMA
from evidence.models.protected_text import with_text
from evidence.models.source import Source
from evidence.models.upload import Upload

__all__ = [
    "AcquisitionFacts",
    "Description",
    "IntakeError",
    "Offered",
    "Receipt",
    "Refusal",
    "digest_key",
    "fail",
    "give_up",
    "instant_of",
    "kind_of",
    "plan_sealing",
    "receipt_of",
    "receive",
    "receive_all",
    "seal",
    "seal_head",
    "seal_upload",
]

logger = logging.getLogger(__name__)

MOST_TOGETHER = 100  # files that are recorded in one transaction
MOST_BYTES_TOGETHER = 64 * 1024 * 1024


class IntakeError(Exception):
    """What was offered can't be taken in; the message says what to do, and nothing was kept."""


@dataclass(frozen=True)
class Receipt(ReceiptRecord):
    """What the uploader can keep: who holds what under which number, and the entry that says so."""

    item: uuid.UUID

    def as_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON values."""
        return {**dataclasses.asdict(self), "item": str(self.item)}


@dataclass(frozen=True)
class Offered:
    """One of many files on a disk of this machine that are offered together."""

    path: Path
    filename: str
    media_type: str
    description: Description
    acquisition: AcquisitionFacts
    intake_key: str


#: What keeps one file out while others come in.
Refusal = IntakeError | store.StoreError | custody.CustodyError | DatabaseError


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

    Raises IntakeError for what can't be described, store.StoreError when the bytes can't be kept.
    """
    _must_be_describable(filename, description)
    if intake_key and (earlier := _received_before(user, intake_key)):
        return earlier
    offer = Offer(
        kept=store.put(store.pieces_of(content) if isinstance(content, Path) else content),
        filename=filename,
        media_type=media_type,
        description=description,
        acquisition=acquisition,
        declared_sha256=declared_sha256,
        intake_key=intake_key,
    )
    return _record(offer, case=case, user=user, now=now)


def receive_all(
    offered: Iterable[Offered], *, case: Case, user: User, clock: Callable[[], datetime]
) -> Iterator[tuple[Offered, Receipt | Refusal]]:
    """Take many files into ``case``, each as ``receive`` does; yield each with what it came to.

    In the order given, as soon as it is durable and recorded.  Some at a time are recorded in one
    transaction while the bytes of the next are being kept; what keeps one out keeps no other out.
    What was received earlier under the same ``intake_key`` is yielded with its first receipt.
    """
    waiting: deque[_Together] = deque()

    def batches() -> Iterator[list[Path]]:
        for several in _batches(offered):
            waiting.append(_sorted_out(several, user))
            yield [one.path for one in waiting[-1].new]

    with ThreadPoolExecutor(1, thread_name_prefix="sidecars") as beside:
        written: list[Future[int]] = []
        for kept in store.put_all(batches()):
            together = waiting.popleft()
            files = _record_all(together, kept, case=case, user=user, now=clock())
            for one in together.several:
                yield one, together.came_to[one.intake_key]
            written.append(beside.submit(sidecars.write, sidecars.prepare(files)))
        for each in written:
            each.result()


class _Together(NamedTuple):
    """Files that are recorded together, and what each came to, by intake key."""

    several: list[Offered]
    new: list[Offered]  # neither refused nor received before
    came_to: dict[str, Receipt | Refusal]


def _batches(offered: Iterable[Offered]) -> Iterator[list[Offered]]:
    some: list[Offered] = []
    size = 0
    for one in offered:
        some.append(one)
        with suppress(OSError):  # said when it is read
            size += one.path.stat().st_size
        if len(some) >= MOST_TOGETHER or size >= MOST_BYTES_TOGETHER:
            yield some
            some, size = [], 0
    if some:
        yield some


def _sorted_out(several: list[Offered], user: User) -> _Together:
    came_to: dict[str, Receipt | Refusal] = {}
    for one in several:
        try:
            _must_be_describable(one.filename, one.description)
        except IntakeError as error:
            came_to[one.intake_key] = error
    came_to.update(_received_earlier(user, [one.intake_key for one in several]))
    return _Together(several, [one for one in several if one.intake_key not in came_to], came_to)


def _record_all(
    together: _Together,
    kept: Sequence[store.Kept | store.StoreError],
    *,
    case: Case,
    user: User,
    now: datetime,
) -> list[EvidenceFile]:
    """Record what is kept; return the files whose sidecars are to be written."""
    offers = []
    for one, bytes_of_it in zip(together.new, kept, strict=True):
        if isinstance(bytes_of_it, store.StoreError):
            together.came_to[one.intake_key] = bytes_of_it
        else:
            offers.append(_offer(one, bytes_of_it))
    if not offers:
        return []
    keys = [offer.intake_key for offer in offers]
    try:
        done = cataloguing.catalogue(offers, case=case, user=user, now=now)
    except (IntegrityError, DataError, store.StoreError):
        # One of them is in the way of all: each by itself, so that only that one is kept out.
        answers = [_record_or_refuse(offer, case=case, user=user, now=now) for offer in offers]
        together.came_to.update(zip(keys, answers, strict=True))
        return []
    except (DatabaseError, custody.CustodyError) as error:
        together.came_to.update(dict.fromkeys(keys, error))
        return []
    seal_head()
    receipts = [_receipt(one, offer) for one, offer in zip(done, offers, strict=True)]
    together.came_to.update(zip(keys, receipts, strict=True))
    return [one.file for one in done]


def _offer(one: Offered, kept: store.Kept) -> Offer:
    return Offer(
        kept=kept,
        filename=one.filename,
        media_type=one.media_type,
        description=one.description,
        acquisition=one.acquisition,
        intake_key=one.intake_key,
    )


def _record_or_refuse(offer: Offer, *, case: Case, user: User, now: datetime) -> Receipt | Refusal:
    try:
        return _record(offer, case=case, user=user, now=now)
    except (DatabaseError, custody.CustodyError, store.StoreError) as error:
        return error


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
            _("Only {offset} of {length} bytes have arrived; send the rest first.").format(
                offset=upload.offset, length=upload.length
            )
        )
    try:
        description, acquisition = _from_fields(upload)
        _must_be_describable(upload.filename, description)
    except IntakeError as error:
        fail(upload, str(error))
        raise
    offer = Offer(
        kept=store.put_file(upload.path, progress=progress),
        filename=upload.filename,
        media_type=upload.media_type,
        description=description,
        acquisition=acquisition,
        declared_sha256=upload.client_sha256,
        intake_key=key,
    )
    return _record(offer, case=upload.case, user=upload.owner, now=now, upload=upload)


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


def _must_be_describable(filename: str, description: Description) -> None:
    if not filename or "\x00" in filename:
        raise IntakeError(_("The file has no usable name; rename it and send it again."))
    if not description.title.strip():
        raise IntakeError(_("Give the item a title."))
    if description.kind not in EvidenceItem.Kind.values:
        raise IntakeError(
            _("{kind!r} is no kind of item; choose one of ").format(kind=description.kind)
            + ", ".join(EvidenceItem.Kind.values)
        )
    if unknown := set(description.markers) - set(MARKER_MINIMA):
        raise IntakeError(_("Unknown markers: ") + ", ".join(sorted(unknown)))
    if description.latitude == 0 and description.longitude == 0:
        raise IntakeError(_("0°, 0° is what devices write when they know no place; leave it out."))


def _received_before(user: User, key: str) -> Receipt | None:
    return _received_earlier(user, [key]).get(key)


def _received_earlier(user: User, keys: Sequence[str]) -> dict[str, Receipt]:
    """Return the receipts of what this user has brought under these keys."""
    files = EvidenceFile.objects.filter(
        item__created_by=user, item__intake_key__in=keys, role=EvidenceFile.Role.EVIDENTIARY
    )
    return {
        str(file.item.intake_key): receipt_of(file)
        for file in files.select_related("item", "stored")
    }


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


def _record(
    offer: Offer, *, case: Case, user: User, now: datetime, upload: Upload | None = None
) -> Receipt:
    try:
        with custody.writing():
            (done,) = cataloguing.catalogue([offer], case=case, user=user, now=now)
            if upload is not None:
                Upload.objects.filter(pk=upload.pk).update(
                    state=Upload.State.RECEIVED, item=done.file.item, reason=""
                )
            beside = sidecars.prepare([done.file])
            transaction.on_commit(partial(sidecars.write, beside), robust=True)
            transaction.on_commit(seal_head, robust=True)
            if upload is not None:
                transaction.on_commit(partial(store.discard_upload, upload.path))
    except IntegrityError:
        # Two requests with one key: the other was first, and its answer is this one's too.
        if offer.intake_key and (earlier := _received_before(user, offer.intake_key)):
            return earlier
        raise
    return _receipt(done, offer)


def _receipt(done: cataloguing.Catalogued, offer: Offer) -> Receipt:
    file, pending = done
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


def seal_head() -> None:
    """Have the head signed unless it just was; the receipt's hash holds without, until the next."""
    try:
        checkpoints.keep_up(now=timezone.now())
    except (SignerError, custody.CustodyError, anchors.AnchorError, DatabaseError) as error:
        logger.warning("The head was not signed now; the next checkpoint covers it: %s", error)


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
        raise IntakeError(_("The chosen source does not exist; choose another.")) from error
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
