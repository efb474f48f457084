"""Resumable upload: a tus 1.0 server for people, the page that uses it, and what became of a file.

Only the owner reaches an upload; for anybody else it does not exist.  What a chunk's answer
promises: evidence.arriving.

Protocol: https://tus.io/protocols/resumable-upload 1.0.0 with creation, expiration, checksum
(sha256) and termination.  CSRF protection stays on; the client sends the token as a header.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from operator import attrgetter
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib.admin.sites import site
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from evidence import access, arriving
from evidence.arriving import Refusal
from evidence.models.acquisition import Acquisition
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.models.upload import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
CHUNK = "application/offset+octet-stream"


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _must_be_uploader(request: HttpRequest) -> User:
    user = _user(request)
    if not user.is_authenticated or not user.is_active or not user.is_staff:
        # A script can't follow a redirect to the login page; a status it can tell to the person.
        raise Refusal(401, _("Your session has ended. Log in again, then press Resume."))
    if not user.has_perm("evidence.add_evidenceitem"):
        raise PermissionDenied
    return user


def _owned(request: HttpRequest, identifier: uuid.UUID) -> Upload:
    return arriving.owned(_must_be_uploader(request), identifier)


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refusal(400, _("{header} must be a whole number of bytes.").format(header=header))
    return int(text)


def _metadata(request: HttpRequest) -> dict[str, str]:
    """Read ``Upload-Metadata``: pairs of a key and a value in base64."""
    found = {}
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, *rest = pair.strip().split(" ", 1)
        try:
            found[key] = base64.b64decode("".join(rest), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refusal(400, _("Upload-Metadata is not base64 of UTF-8 text.")) from error
    return found


class _Doors(View):
    """What all tus answers have in common: the version, and refusals as sentences."""

    versioned: ClassVar[bool] = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            asked = request.headers.get("Tus-Resumable")
            if self.versioned and request.method != "OPTIONS" and asked != VERSION:
                _must_be_uploader(request)
                raise Refusal(412, _("This server speaks tus {VERSION}.").format(VERSION=VERSION))
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
        rows = arriving.unfinished(user)
        return JsonResponse({"uploads": [arriving.state_of(row) for row in rows]})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Announce a file: its length, its name, what it is."""
        user = _must_be_uploader(request)
        length = _number(request, "Upload-Length")
        metadata = _metadata(request)
        now = timezone.now()
        upload = arriving.announce(
            user,
            case=metadata.get("case", ""),
            filename=metadata.get("filename", ""),
            length=length,
            media_type=metadata.get("filetype", ""),
            sha256=metadata.get("sha256", ""),
            fields=metadata.get("fields", ""),
            now=now,
        )
        response = HttpResponse(status=201)
        response["Location"] = reverse("evidence:upload_file", args=[upload.pk])
        response["Upload-Expires"] = http_date((now + arriving.KEPT_FOR).timestamp())
        return response


class OneUpload(_Doors):
    """One file on its way: how much is here, the next chunk, or never mind."""

    def head(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Say how much is here and durable."""
        found = _owned(request, upload)
        response = HttpResponse(status=200)
        response["Upload-Offset"] = str(found.offset)
        response["Upload-Length"] = str(found.length)
        response["Upload-Expires"] = http_date((found.updated_at + arriving.KEPT_FOR).timestamp())
        return response

    def patch(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Take the next chunk; after the last one have the file sealed.

        An empty chunk at the end asks again for the sealing, after a failure or a lost answer.
        """
        found = _owned(request, upload)
        if request.content_type != CHUNK:
            raise Refusal(415, _("A chunk has the content type {CHUNK}.").format(CHUNK=CHUNK))
        size = _number(request, "Content-Length")
        offset = _number(request, "Upload-Offset")
        checksum = request.headers.get("Upload-Checksum", "")
        arriving.take(found, arriving.Chunk(offset, size, checksum, request.read))
        return _taken(found)

    def delete(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Forget an upload that is not received.  What was received stays."""
        arriving.forget(_owned(request, upload))
        return HttpResponse(status=204)


def _taken(upload: Upload) -> HttpResponse:
    response = HttpResponse(status=204)
    response["Upload-Offset"] = str(upload.offset)
    response["Upload-Expires"] = http_date((timezone.now() + arriving.KEPT_FOR).timestamp())
    return response


class UploadState(_Doors):
    """What became of a file, for the page that asks."""

    versioned = False

    def get(self, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
        """Answer with the state, the progress of sealing, and the receipt when there is one."""
        return JsonResponse(arriving.state_of(_owned(request, upload)))


class Held(_Doors):
    """Which of these digests the user's own view of the archive holds already."""

    versioned = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer for items the user may see and no others; for all else there is no trace."""
        user = _must_be_uploader(request)
        wanted = request.GET.get("sha256", "").split(",")
        held = {
            sha256: [
                {
                    "reference": item.exhibit_number,
                    "url": reverse("admin:evidence_evidenceitem_change", args=[item.pk]),
                }
                for item in items
            ]
            for sha256, items in arriving.held(user, wanted).items()
        }
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
        "title": _("Upload evidence"),
        "cases": arriving.open_cases(user),
        "sources": sorted(access.sources_for(user), key=attrgetter("shown")),
        "kinds": EvidenceItem.Kind.choices,
        "levels": Level.choices,
        "methods": Acquisition.Method.choices,
        "fields": arriving.FIELDS,
        "max_upload": settings.MAX_UPLOAD,
    }
    return render(request, "admin/evidence/upload.html", context)
