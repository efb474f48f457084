"""Files on their way in: announced, arriving chunk by chunk, sealed, or given up.

What is promised.  A chunk that was taken is durable and passed its checksum; what the row's
``offset`` counts is exactly that, and whatever lies beyond it in the file (a server killed midway)
is cut off before the next chunk.  No chunk is ever held in memory.  A file is called received when
the intake says so.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum
from django.http import Http404, UnreadablePostError
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from archive import store
from archive.models.job import Job
from evidence import access, intake, observing
from evidence.models.acquisition import Acquisition
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.models.upload import Upload

PIECE = 2**20  # bytes read from the request at a time
KEPT_FOR = timedelta(days=7)  # an unfinished upload without a new byte for so long is abandoned
MARGIN = 64 * 2**20  # bytes that stay free on the disk
HELD_AT_ONCE = 40  # digests in one question; a request line is at most 4,094 bytes in gunicorn
UNFINISHED_SHOWN = 500

#: What the page may say about a file, and how long each answer may be.
FIELDS = {
    "title": 300,
    "kind": 20,
    "description": 2000,
    "source": 36,
    "languages": 100,
    "level": 20,
    "method": 30,
    "provided_by": 200,
    "acquired_at_text": 100,
    "place": 300,
    "url": 2000,
    "authority": 300,
    "known_gaps": 1000,
}
CHOICES = {
    "kind": EvidenceItem.Kind.values,
    "level": Level.values,
    "method": Acquisition.Method.values,
}


LONGEST_FIELDS = 64 * 1024  # characters of a row's description


class Refusal(Exception):  # noqa: N818 - an answer to give, not a fault
    """The answer to a request that can't be done: a status, and a sentence that says what to do."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class Chunk:
    """The next bytes of a file: how many, from where on, their checksum, and how they are read."""

    offset: int
    size: int
    checksum: str  # "sha256 " and the digest in base64, or nothing
    read: Callable[[int], bytes]


def announce(
    user: User,
    *,
    case: str,
    filename: str,
    length: int,
    media_type: str = "",
    sha256: str = "",
    fields: str = "",
    key: str = "",
    now: datetime,
) -> Upload:
    """Make room for a file; ``fields`` is JSON text of what it is.  Raises Refusal.

    Announced again under the same ``key`` by the same user, it is the upload that there is.
    """
    if not filename or "\x00" in filename or len(filename) > 4096:
        raise Refusal(400, _("The file has no usable name; rename it and send it again."))
    sha256 = sha256.lower()
    if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):
        raise Refusal(400, _("sha256 must be 64 hexadecimal digits."))
    given = _described(fields, user)
    try:
        found = open_cases(user).get(pk=uuid.UUID(case))
    except (ValueError, Case.DoesNotExist) as error:
        observing.refused(user, act="upload", what="case", now=now)
        raise Http404("No such case.") from error
    if earlier := _announced_before(user, key):
        if (earlier.case_id, earlier.length, earlier.client_sha256) != (found.pk, length, sha256):
            raise Refusal(409, _("Another file was announced under this key."))
        return earlier
    folder = _folder()
    _must_fit(length, folder)
    _must_have_room(found, length)
    abandon_stale(now=now)
    upload = Upload(
        owner=user,
        case=found,
        filename=filename,
        media_type=media_type[:200],
        length=length,
        client_sha256=sha256,
        client_key=key,
        fields=given,
        created_at=now,
        updated_at=now,
    )
    # The file first: a row without its file would promise a place that does not exist.
    os.close(os.open(upload.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    _sync_folder(folder)
    try:
        with transaction.atomic():
            upload.save(force_insert=True)
    except IntegrityError:
        # Two requests with one key: the other was first, and its answer is this one's too.
        upload.path.unlink()
        if earlier := _announced_before(user, key):
            return earlier
        raise
    return upload


def _announced_before(user: User, key: str) -> Upload | None:
    if not key:
        return None
    rows = Upload.objects.exclude(state=Upload.State.ABANDONED).select_related("case", "owner")
    return rows.filter(owner=user, client_key=key).first()


def owned(user: User, identifier: uuid.UUID) -> Upload:
    """Return the user's own upload into a case still open to them, or raise the one 404."""
    found = (
        Upload.objects.filter(
            pk=identifier, owner=user, case__in=access.cases_for(user, act="upload")
        )
        .exclude(state=Upload.State.ABANDONED)
        .select_related("case", "owner")
        .first()
    )
    if found is None:
        observing.refused(user, act="upload", what="upload", now=timezone.now())
        raise Http404("No such upload.")
    return found


def unfinished(user: User) -> list[Upload]:
    """Return the user's uploads that are not received, oldest first."""
    rows = Upload.objects.filter(
        owner=user,
        case__in=access.cases_for(user, act="upload"),
        state__in=[Upload.State.ARRIVING, Upload.State.SEALING, Upload.State.FAILED],
    ).select_related("case")
    return list(rows[:UNFINISHED_SHOWN])


def take(found: Upload, chunk: Chunk) -> None:
    """Take the next chunk; after the last one have the file sealed.  Raises Refusal.

    An empty chunk at the end asks again for the sealing, after a failure or a lost answer.
    """
    offset, size = chunk.offset, chunk.size
    if found.state in {Upload.State.RECEIVED, Upload.State.SEALING}:
        if (offset, size) != (found.length, 0):
            raise Refusal(409, _("The whole file is here already."))
        _resume_sealing(found)
        return
    with _locked(found, writing=size > 0) as file:
        if found.state == Upload.State.RECEIVED:  # by another connection, meanwhile
            return
        if offset != found.offset:
            raise Refusal(
                409, _("{offset} bytes are here; go on from there.").format(offset=found.offset)
            )
        if found.offset + size > found.length:
            raise Refusal(413, _("The chunk reaches past the announced end of the file."))
        if size:
            _append(chunk, file, found)
        if found.offset == found.length:
            _finish(found)


def forget(found: Upload) -> None:
    """Forget an upload that is not received.  What was received stays.  Raises Refusal."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(found))
        except Refusal as refusal:
            if refusal.status != 410:
                raise
        if found.state in {Upload.State.RECEIVED, Upload.State.SEALING}:
            raise Refusal(403, _("The file is sealed; it can't be taken back here."))
        found.path.unlink(missing_ok=True)
        Upload.objects.filter(pk=found.pk).update(
            state=Upload.State.ABANDONED, reason=_("Cancelled by its owner.")
        )


def held(user: User, digests: list[str]) -> dict[str, list[EvidenceItem]]:
    """Return which of these SHA-256 the user's own view holds; for all else there is no trace."""
    rows = (
        EvidenceFile.objects.filter(
            sha256__in=digests[:HELD_AT_ONCE],
            role=EvidenceFile.Role.EVIDENTIARY,
            item__in=access.visible_to(user, "view"),
        )
        .select_related("item")
        .order_by("item__exhibit_number")[:200]
    )
    found: dict[str, list[EvidenceItem]] = {}
    for row in rows:
        found.setdefault(row.sha256, []).append(row.item)
    return found


def open_cases(user: User) -> QuerySet[Case]:
    """Return the cases into which the user may upload now."""
    return access.cases_for(user, act="upload").filter(status=Case.Status.OPEN)


def state_of(upload: Upload) -> dict[str, Any]:
    """Say in values where an upload stands; a received one with its receipt (3 queries)."""
    answer: dict[str, Any] = {
        "id": str(upload.pk),
        "url": reverse("evidence:upload_file", args=[upload.pk]),
        "filename": upload.filename,
        "case": upload.case.reference,
        "media_type": upload.media_type,
        "length": upload.length,
        "offset": upload.offset,
        "sha256": upload.client_sha256,
        "state": upload.state,
        "reason": upload.reason,
    }
    if upload.state == Upload.State.SEALING and (job := _sealing_job(upload)):
        answer["sealed"] = job.progress_done
        if job.state == Job.State.WAITING:
            answer["reason"] = job.last_error  # of the attempt before; there will be another
        if job.state == Job.State.QUARANTINED:
            answer["state"] = Upload.State.FAILED
            answer["reason"] = job.last_error or _("The worker could not seal the file.")
    if upload.state == Upload.State.RECEIVED and upload.item_id:
        file = EvidenceFile.objects.select_related("item", "stored").get(
            item=upload.item_id, role=EvidenceFile.Role.EVIDENTIARY
        )
        answer["receipt"] = intake.receipt_of(file).as_dict()
        answer["item_url"] = reverse("admin:evidence_evidenceitem_change", args=[upload.item_id])
        answer["receipt_url"] = reverse("evidence:receipt", args=[upload.item_id])
    return answer


def _described(text: str, user: User) -> dict[str, Any]:
    """Read what the page says about the file; refuse what the catalogue could not keep."""
    try:
        text.encode("utf-8")
        given = json.loads(text[:LONGEST_FIELDS] or "{}")
        json.dumps(given, ensure_ascii=False).encode("utf-8")  # no half characters in any value
    except (ValueError, RecursionError) as error:
        raise Refusal(400, _("The description of the file is not JSON.")) from error
    if not isinstance(given, dict) or not set(given) <= set(FIELDS):
        raise Refusal(400, _("The description of the file has unknown fields."))
    for name, value in given.items():
        words = name.replace("_", " ")
        if not isinstance(value, str) or "\x00" in value:
            raise Refusal(400, _("The {words} must be text.").format(words=words))
        if len(value) > FIELDS[name]:
            raise Refusal(
                400,
                _("The {words} is longer than {value} characters.").format(
                    words=words, value=FIELDS[name]
                ),
            )
        if value and value not in CHOICES.get(name, [value]):
            raise Refusal(
                400,
                _("{value!r} is no {words} that the archive knows.").format(
                    value=value, words=words
                ),
            )
    if source := given.get("source"):
        try:
            known = access.sources_for(user).filter(pk=uuid.UUID(source)).exists()
        except ValueError:
            known = False
        if not known:
            raise Refusal(400, _("The chosen source does not exist; choose another."))
    return given


def _folder() -> Path:
    folder = Path(settings.STORE_DIR) / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _must_fit(length: int, folder: Path) -> None:
    if length == 0:
        raise Refusal(400, _("The file is empty; there is nothing to keep."))
    if length > settings.MAX_UPLOAD:
        raise Refusal(
            413,
            _("The largest file taken in is {MAX_UPLOAD} bytes.").format(
                MAX_UPLOAD=settings.MAX_UPLOAD
            ),
        )
    if shutil.disk_usage(folder).free < length + MARGIN:
        raise Refusal(507, _("The archive's disk has no room for this file; tell its operator."))


def _must_have_room(case: Case, length: int) -> None:
    """Refuse what would go beyond the case's room, with what others are sending into it now."""
    if case.room_gib is None:
        return
    room = case.room_gib * 2**30
    held = EvidenceFile.objects.filter(
        item__case=case, role=EvidenceFile.Role.EVIDENTIARY
    ).aggregate(held=Sum("size", default=0))["held"]
    coming = Upload.objects.filter(
        case=case, state__in=[Upload.State.ARRIVING, Upload.State.SEALING]
    ).aggregate(coming=Sum("length", default=0))["coming"]
    if held + coming + length > room:
        raise Refusal(
            507,
            _(
                "The case has room for {room} GiB of originals, and this file would go beyond it; "
                "ask an administrator for more."
            ).format(room=case.room_gib),
        )


def abandon_stale(*, now: datetime) -> int:
    """Give up uploads that got no byte for a week, and remove what arrived of them.

    Nothing that waits to be sealed, is being sealed or was received is touched.
    """
    stale = Upload.objects.filter(
        state__in=[Upload.State.ARRIVING, Upload.State.FAILED], updated_at__lt=now - KEPT_FOR
    )
    count = 0
    for upload in stale[:100]:
        try:
            with _locked(upload):
                upload.path.unlink(missing_ok=True)
                Upload.objects.filter(pk=upload.pk).update(
                    state=Upload.State.ABANDONED, reason=_("No byte arrived for a week.")
                )
        except Refusal as refusal:
            if refusal.status == 423:
                continue
            Upload.objects.filter(pk=upload.pk).update(
                state=Upload.State.ABANDONED, reason=_("Its bytes are gone.")
            )
        count += 1
    return count


@contextlib.contextmanager
def _locked(upload: Upload, *, writing: bool = False) -> Iterator[io.FileIO]:
    """Hold the upload's bytes alone.  ``upload`` is read anew, under the lock.

    Only a chunk opens them for writing: bytes that the store is already keeping are read-only.
    """
    try:
        file = upload.path.open("r+b" if writing else "rb", buffering=0)
    except FileNotFoundError as error:
        raise Refusal(410, _("What had arrived of this file is gone; send it again.")) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(423, _("Another connection is sending this file.")) from error
        upload.refresh_from_db(fields=["offset", "state", "item", "reason"])
        yield file


def _append(chunk: Chunk, file: io.FileIO, upload: Upload) -> None:
    """Write one chunk after the bytes that are known to be good, and make it durable.

    With a checksum the chunk counts whole or not at all.  Without one, what arrived before a
    connection broke counts; the digest of the whole file decides at the end.
    """
    size = chunk.size
    algorithm, has_digest, text = chunk.checksum.partition(" ")
    if algorithm and (algorithm != "sha256" or not has_digest):
        raise Refusal(400, _("The only checksum algorithm is sha256."))
    begin = upload.offset
    if file.seek(0, os.SEEK_END) < begin:
        raise Refusal(410, _("What had arrived of this file is damaged; send it again."))
    file.truncate(begin)
    file.seek(begin)
    digest = hashlib.sha256()
    arrived = 0
    with contextlib.suppress(UnreadablePostError):  # the connection broke; see below
        while arrived < size and (piece := chunk.read(min(PIECE, size - arrived))):
            _write(file, piece)
            digest.update(piece)
            arrived += len(piece)
    if algorithm and arrived < size:
        raise Refusal(400, _("The connection broke within a chunk."))
    try:
        os.fsync(file.fileno())
    except OSError as error:
        # Never a second fsync on a descriptor whose first one failed: the kernel may have
        # marked the pages clean.  The next chunk cuts the file back to the row's offset.
        raise _not_kept(error) from error
    if algorithm and base64.b64encode(digest.digest()).decode("ascii") != text:
        file.truncate(begin)
        raise Refusal(460, _("The chunk changed on its way; it is sent again."))
    upload.offset = begin + arrived
    upload.updated_at = timezone.now()
    upload.save(update_fields=["offset", "updated_at"])
    if arrived < size:
        raise Refusal(400, _("The connection broke within a chunk."))


def _write(file: io.FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        try:
            rest = rest[file.write(rest) :]  # a full disk first shows as a short write
        except OSError as error:
            raise _not_kept(error) from error


def _not_kept(error: OSError) -> Refusal:
    return Refusal(
        507, _("The archive could not keep the chunk: {strerror}.").format(strerror=error.strerror)
    )


def _finish(upload: Upload) -> None:
    """Seal a file that is wholly here: at once when it is small, by a worker when it is not."""
    if upload.state == Upload.State.FAILED:
        upload.state, upload.reason = Upload.State.ARRIVING, ""
        upload.save(update_fields=["state", "reason"])
    if upload.length > settings.SEAL_INLINE:
        intake.plan_sealing(upload)
        return
    try:
        intake.seal_upload(upload, now=timezone.now())
    except intake.IntakeError as error:
        raise Refusal(422, str(error)) from error
    except store.StoreError as error:
        intake.fail(upload, str(error))  # nobody tries again before the person does
        raise Refusal(507, str(error)) from error


def _sealing_job(upload: Upload) -> Job | None:
    return (
        Job.objects.filter(kind="evidence.seal", subject=str(upload.pk))
        .order_by("-created_at")
        .first()
    )


def _resume_sealing(upload: Upload) -> None:
    """Plan the sealing anew when its job was set aside; otherwise leave it to the job."""
    if upload.state == Upload.State.SEALING:
        job = _sealing_job(upload)
        if job is None or job.state == Job.State.QUARANTINED:
            intake.plan_sealing(upload)
