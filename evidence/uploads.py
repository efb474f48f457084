"""Resumable upload: a tus 1.0 server for people, the page that uses it, and what became of a file.

What is promised.  A chunk that was answered with 204 is durable and passed its checksum; what the
row's ``offset`` counts is exactly that, and whatever lies beyond it in the file (a server killed
midway) is cut off before the next chunk.  No body is ever held in memory.  Only the owner reaches
an upload; for anybody else it does not exist.  A file is called received when the intake says so.

Protocol: https://tus.io/protocols/resumable-upload 1.0.0 with creation, expiration, checksum
(sha256) and termination.  CSRF protection stays on; the client sends the token as a header.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib.admin.sites import site
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    UnreadablePostError,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.views import View
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from archive import store
from archive.models.job import Job
from evidence import access, intake, observing
from evidence.models.acquisition import Acquisition
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.models.upload import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
CHUNK = "application/offset+octet-stream"
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


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _must_be_uploader(request: HttpRequest) -> User:
    user = _user(request)
    if not user.is_authenticated or not user.is_active or not user.is_staff:
        # A script can't follow a redirect to the login page; a status it can tell to the person.
        raise Refusal(401, "Your session has ended. Log in again, then press Resume.")
    if not user.has_perm("evidence.add_evidenceitem"):
        raise PermissionDenied
    return user


def _owned(request: HttpRequest, identifier: uuid.UUID) -> Upload:
    """Return the user's own upload into a case still open to them, or raise the one 404."""
    user = _must_be_uploader(request)
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


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refusal(400, f"{header} must be a whole number of bytes.")
    return int(text)


def _metadata(request: HttpRequest) -> dict[str, str]:
    """Read ``Upload-Metadata``: pairs of a key and a value in base64."""
    found = {}
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refusal(400, "Upload-Metadata is not base64 of UTF-8 text.") from error
    return found


def _described(text: str, user: User) -> dict[str, Any]:
    """Read what the page says about the file; refuse what the catalogue could not keep."""
    try:
        text.encode("utf-8")
        given = json.loads(text[:LONGEST_FIELDS] or "{}")
        json.dumps(given, ensure_ascii=False).encode("utf-8")  # no half characters in any value
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "The description of the file is not JSON.") from error
    if not isinstance(given, dict) or not set(given) <= set(FIELDS):
        raise Refusal(400, "The description of the file has unknown fields.")
    for name, value in given.items():
        words = name.replace("_", " ")
        if not isinstance(value, str) or "\x00" in value:
            raise Refusal(400, f"The {words} must be text.")
        if len(value) > FIELDS[name]:
            raise Refusal(400, f"The {words} is longer than {FIELDS[name]} characters.")
        if value and value not in CHOICES.get(name, [value]):
            raise Refusal(400, f"{value!r} is no {words} that the archive knows.")
    if source := given.get("source"):
        try:
            known = access.sources_for(user).filter(pk=uuid.UUID(source)).exists()
        except ValueError:
            known = False
        if not known:
            raise Refusal(400, "The chosen source does not exist; choose another.")
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
        raise Refusal(400, "The file is empty; there is nothing to keep.")
    if length > settings.MAX_UPLOAD:
        raise Refusal(413, f"The largest file taken in is {settings.MAX_UPLOAD} bytes.")
    if shutil.disk_usage(folder).free < length + MARGIN:
        raise Refusal(507, "The archive's disk has no room for this file; tell its operator.")


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
                    state=Upload.State.ABANDONED, reason="No byte arrived for a week."
                )
        except Refusal as refusal:
            if refusal.status == 423:
                continue
            Upload.objects.filter(pk=upload.pk).update(
                state=Upload.State.ABANDONED, reason="Its bytes are gone."
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
        raise Refusal(410, "What had arrived of this file is gone; send it again.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(423, "Another connection is sending this file.") from error
        upload.refresh_from_db(fields=["offset", "state", "item", "reason"])
        yield file


class _Doors(View):
    """What all tus answers have in common: the version, and refusals as sentences."""

    versioned: ClassVar[bool] = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            asked = request.headers.get("Tus-Resumable")
            if self.versioned and request.method != "OPTIONS" and asked != VERSION:
                _must_be_uploader(request)
                raise Refusal(412, f"This server speaks tus {VERSION}.")
            response = super().dispatch(request, *args, **kwargs)
        except Refusal as refusal:
            response = HttpResponse(
                refusal.sentence, status=refusal.status, content_type="text/plain; charset=utf-8"
            )
            if refusal.status == 412:
                response["Tus-Version"] = VERSION
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return response


class Uploads(_Doors):
    """The collection: announce a file, or list those unfinished."""

    def options(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """Say what the server can do."""
        _must_be_uploader(request)
        response = HttpResponse(status=204)
        response["Tus-Version"] = VERSION
        response["Tus-Extension"] = EXTENSIONS
        response["Tus-Max-Size"] = str(settings.MAX_UPLOAD)
        response["Tus-Checksum-Algorithm"] = "sha256"
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        """List the user's uploads that are not received, oldest first."""
        user = _must_be_uploader(request)
        rows = Upload.objects.filter(
            owner=user,
            case__in=access.cases_for(user, act="upload"),
            state__in=[Upload.State.ARRIVING, Upload.State.SEALING, Upload.State.FAILED],
        ).select_related("case")
        return JsonResponse({"uploads": [_state_of(row) for row in rows[:UNFINISHED_SHOWN]]})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Announce a file: its length, its name, what it is."""
        user = _must_be_uploader(request)
        length = _number(request, "Upload-Length")
        metadata = _metadata(request)
        filename = metadata.get("filename", "")
        if not filename or "\x00" in filename or len(filename) > 4096:
            raise Refusal(400, "The file has no usable name; rename it and send it again.")
        sha256 = metadata.get("sha256", "").lower()
        if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):
            raise Refusal(400, "sha256 must be 64 hexadecimal digits.")
        fields = _described(metadata.get("fields", ""), user)
        try:
            case = _cases(user).get(pk=uuid.UUID(metadata.get("case", "")))
        except (ValueError, Case.DoesNotExist) as error:
            observing.refused(user, act="upload", what="case", now=timezone.now())
            raise Http404("No such case.") from error
        folder = _folder()
        _must_fit(length, folder)
        now = timezone.now()
        abandon_stale(now=now)
        upload = Upload(
            owner=user,
            case=case,
            filename=filename,
            media_type=metadata.get("filetype", "")[:200],
            length=length,
            client_sha256=sha256,
            fields=fields,
            created_at=now,
            updated_at=now,
        )
        # The file first: a row without its file would promise a place that does not exist.
        os.close(os.open(upload.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _sync_folder(folder)
        upload.save(force_insert=True)
        response = HttpResponse(status=201)
        response["Location"] = reverse("evidence:upload_file", args=[upload.pk])
        response["Upload-Expires"] = http_date((now + KEPT_FOR).timestamp())
        return response


class OneUpload(_Doors):
    """One file on its way: how much is here, the next chunk, or never mind."""

    def head(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Say how much is here and durable."""
        found = _owned(request, upload)
        response = HttpResponse(status=200)
        response["Upload-Offset"] = str(found.offset)
        response["Upload-Length"] = str(found.length)
        response["Upload-Expires"] = http_date((found.updated_at + KEPT_FOR).timestamp())
        return response

    def patch(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Take the next chunk; after the last one have the file sealed.

        An empty chunk at the end asks again for the sealing, after a failure or a lost answer.
        """
        found = _owned(request, upload)
        if request.content_type != CHUNK:
            raise Refusal(415, f"A chunk has the content type {CHUNK}.")
        size = _number(request, "Content-Length")
        offset = _number(request, "Upload-Offset")
        if found.state in {Upload.State.RECEIVED, Upload.State.SEALING}:
            if (offset, size) != (found.length, 0):
                raise Refusal(409, "The whole file is here already.")
            _resume_sealing(found)
            return _taken(found)
        with _locked(found, writing=size > 0) as file:
            if found.state == Upload.State.RECEIVED:  # by another connection, meanwhile
                return _taken(found)
            if offset != found.offset:
                raise Refusal(409, f"{found.offset} bytes are here; go on from there.")
            if found.offset + size > found.length:
                raise Refusal(413, "The chunk reaches past the announced end of the file.")
            if size:
                _append(request, file, found, size)
            if found.offset == found.length:
                _finish(found)
        return _taken(found)

    def delete(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Forget an upload that is not received.  What was received stays."""
        found = _owned(request, upload)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(_locked(found))
            except Refusal as refusal:
                if refusal.status != 410:
                    raise
            if found.state in {Upload.State.RECEIVED, Upload.State.SEALING}:
                raise Refusal(403, "The file is sealed; it can't be taken back here.")
            found.path.unlink(missing_ok=True)
            Upload.objects.filter(pk=found.pk).update(
                state=Upload.State.ABANDONED, reason="Cancelled by its owner."
            )
        return HttpResponse(status=204)


def _taken(upload: Upload) -> HttpResponse:
    response = HttpResponse(status=204)
    response["Upload-Offset"] = str(upload.offset)
    response["Upload-Expires"] = http_date((timezone.now() + KEPT_FOR).timestamp())
    return response


def _append(request: HttpRequest, file: io.FileIO, upload: Upload, size: int) -> None:
    """Write one chunk after the bytes that are known to be good, and make it durable.

    With a checksum the chunk counts whole or not at all.  Without one, what arrived before a
    connection broke counts; the digest of the whole file decides at the end.
    """
    algorithm, _, text = request.headers.get("Upload-Checksum", "").partition(" ")
    if algorithm and algorithm != "sha256":
        raise Refusal(400, "The only checksum algorithm is sha256.")
    begin = upload.offset
    if file.seek(0, os.SEEK_END) < begin:
        raise Refusal(410, "What had arrived of this file is damaged; send it again.")
    file.truncate(begin)
    file.seek(begin)
    digest = hashlib.sha256()
    arrived = 0
    with contextlib.suppress(UnreadablePostError):  # the connection broke; see below
        while arrived < size and (piece := request.read(min(PIECE, size - arrived))):
            _write(file, piece)
            digest.update(piece)
            arrived += len(piece)
    if algorithm and arrived < size:
        raise Refusal(400, "The connection broke within a chunk.")
    try:
        os.fsync(file.fileno())
    except OSError as error:
        # Never a second fsync on a descriptor whose first one failed: the kernel may have
        # marked the pages clean.  The next chunk cuts the file back to the row's offset.
        raise _not_kept(error) from error
    if algorithm and base64.b64encode(digest.digest()).decode("ascii") != text:
        file.truncate(begin)
        raise Refusal(460, "The chunk changed on its way; it is sent again.")
    upload.offset = begin + arrived
    upload.updated_at = timezone.now()
    upload.save(update_fields=["offset", "updated_at"])
    if arrived < size:
        raise Refusal(400, "The connection broke within a chunk.")


def _write(file: io.FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        try:
            rest = rest[file.write(rest) :]  # a full disk first shows as a short write
        except OSError as error:
            raise _not_kept(error) from error


def _not_kept(error: OSError) -> Refusal:
    return Refusal(507, f"The archive could not keep the chunk: {error.strerror}.")


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


def _state_of(upload: Upload) -> dict[str, Any]:
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
            answer["reason"] = job.last_error or "The worker could not seal the file."
    if upload.state == Upload.State.RECEIVED and upload.item_id:
        file = EvidenceFile.objects.select_related("item", "stored").get(
            item=upload.item_id, role=EvidenceFile.Role.EVIDENTIARY
        )
        answer["receipt"] = intake.receipt_of(file).as_dict()
        answer["item_url"] = reverse("admin:evidence_evidenceitem_change", args=[upload.item_id])
        answer["receipt_url"] = reverse("evidence:receipt", args=[upload.item_id])
    return answer


class UploadState(_Doors):
    """What became of a file, for the page that asks."""

    versioned = False

    def get(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Answer with the state, the progress of sealing, and the receipt when there is one."""
        return JsonResponse(_state_of(_owned(request, upload)))


class Held(_Doors):
    """Which of these digests the user's own view of the archive holds already."""

    versioned = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer for items the user may see and no others; for all else there is no trace."""
        user = _must_be_uploader(request)
        wanted = request.GET.get("sha256", "").split(",")[:HELD_AT_ONCE]
        rows = (
            EvidenceFile.objects.filter(
                sha256__in=wanted,
                role=EvidenceFile.Role.EVIDENTIARY,
                item__in=access.visible_to(user, "view"),
            )
            .order_by("item__exhibit_number")
            .values_list("sha256", "item", "item__exhibit_number")[:200]
        )
        held: dict[str, list[dict[str, str]]] = {}
        for sha256, item, reference in rows:
            url = reverse("admin:evidence_evidenceitem_change", args=[item])
            held.setdefault(sha256, []).append({"reference": reference, "url": url})
        return JsonResponse({"held": held})


@staff_member_required
@ensure_csrf_cookie
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the page where one drops files or a whole folder."""
    user = _user(request)
    if not user.has_perm("evidence.add_evidenceitem"):
        raise PermissionDenied
    context = {
        **site.each_context(request),
        "title": "Upload evidence",
        "cases": _cases(user),
        "sources": sorted(access.sources_for(user), key=attrgetter("shown")),
        "kinds": EvidenceItem.Kind.choices,
        "levels": Level.choices,
        "methods": Acquisition.Method.choices,
        "fields": FIELDS,
        "max_upload": settings.MAX_UPLOAD,
    }
    return render(request, "admin/evidence/upload.html", context)


def _cases(user: User) -> QuerySet[Case]:
    return access.cases_for(user, act="upload").filter(status=Case.Status.OPEN)
