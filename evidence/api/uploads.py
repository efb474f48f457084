"""Files on their way in: announced, sent in chunks that may break off, sealed with a receipt.

The same acts as the upload page's, which speaks tus 1.0; here announcements and states are JSON.
"""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from ninja import Header, Router, Schema, Status
from pydantic import Field

from evidence import answering, arriving
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import Body
from evidence.api.doors import answers

router = Router(tags=["uploads"])
Sha256 = Annotated[str, Field(pattern=r"^([0-9a-fA-F]{64})?$")]


class Announcement(Body):
    """A file that will come: how long it is, its digest as its holder worked it out, what it is.

    ``fields`` may have: title, kind, description, source (an id), languages, level, method,
    provided_by, acquired_at_text, place, url, authority, known_gaps.
    """

    case: uuid.UUID
    filename: str = Field(..., min_length=1, max_length=4096)
    length: int = Field(..., ge=1, le=2**62)
    media_type: str = Field("", max_length=200)
    sha256: Sha256 = ""
    fields: dict[str, str] = {}
    key: Sha256 = Field("", description="64 hexadecimal digits; announced again, it is the same.")


def _uploader(request: HttpRequest) -> Any:
    user = answering.user(request)
    if not user.has_perm("evidence.add_evidenceitem"):
        raise PermissionDenied
    return user


@router.get("", response=answers(list[shown.UploadAnswer]), auth=doors.UPLOAD)
def unfinished(request: HttpRequest) -> list[dict[str, Any]]:
    """List the asker's uploads that are not received yet, oldest first."""
    rows = arriving.unfinished(_uploader(request))
    return [shown.upload(row, arriving.state_of(row)) for row in rows]


@router.post("", response=answers(shown.UploadAnswer, code=201), auth=doors.UPLOAD)
def announce(request: HttpRequest, said: Announcement) -> Status[dict[str, Any]]:
    """Announce a file; its chunks follow."""
    row = arriving.announce(
        _uploader(request),
        case=str(said.case),
        filename=said.filename,
        length=said.length,
        media_type=said.media_type,
        sha256=said.sha256,
        fields=json.dumps(said.fields),
        key=said.key.lower(),
        now=timezone.now(),
    )
    return Status(201, shown.upload(row, arriving.state_of(row)))


@router.get("/cases", response=answers(list[shown.CaseAnswer]), auth=doors.UPLOAD)
def cases(request: HttpRequest) -> list[dict[str, Any]]:
    """List the cases into which the asker may upload now."""
    return [shown.case(one) for one in arriving.open_cases(_uploader(request))]


class HeldAnswer(Schema):
    sha256: str
    item: uuid.UUID
    exhibit_number: str


class Digests(Body):
    sha256: list[Sha256] = Field(..., max_length=arriving.HELD_AT_ONCE)


@router.post("/held", response=answers(list[HeldAnswer]), auth=doors.UPLOAD)
def held(request: HttpRequest, said: Digests) -> list[dict[str, Any]]:
    """Ask which of these digests the asker's own view of the archive holds already."""
    digests = [one.lower() for one in said.sha256]
    return [
        {"sha256": digest, "item": item.pk, "exhibit_number": item.exhibit_number}
        for digest, items in arriving.held(_uploader(request), digests).items()
        for item in items
    ]


@router.get("/{uuid:upload}", response=answers(shown.UploadAnswer), auth=doors.UPLOAD)
def state(request: HttpRequest, upload: uuid.UUID) -> dict[str, Any]:
    """Read how much of a file is here and durable, and its receipt when it is sealed."""
    row = arriving.owned(_uploader(request), upload)
    return shown.upload(row, arriving.state_of(row))


CHUNK = {
    "requestBody": {
        "required": True,
        "content": {
            "application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}


@router.patch(
    "/{uuid:upload}",
    response=answers(shown.UploadAnswer),
    auth=doors.UPLOAD,
    openapi_extra=CHUNK,
)
def send(
    request: HttpRequest,
    upload: uuid.UUID,
    upload_offset: Annotated[int, Header(ge=0, le=2**62)],
    upload_checksum: Annotated[str, Header(max_length=100)] = "",
) -> dict[str, Any]:
    """Send the next chunk; what was answered is durable.  After the last the file is sealed.

    ``Upload-Checksum`` is "sha256 " and the chunk's digest in base64; with it a chunk counts whole
    or not at all.  An empty chunk at the end asks again for the sealing.
    """
    row = arriving.owned(_uploader(request), upload)
    if request.content_type != "application/offset+octet-stream":
        raise arriving.Refusal(415, "A chunk has the content type application/offset+octet-stream.")
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit() and len(length) <= 18):
        raise arriving.Refusal(400, "Content-Length must be a whole number of bytes.")
    chunk = arriving.Chunk(upload_offset, int(length), upload_checksum, request.read)
    arriving.take(row, chunk)
    row.refresh_from_db()
    return shown.upload(row, arriving.state_of(row))


@router.delete("/{uuid:upload}", response=answers(shown.Done), auth=doors.UPLOAD)
def forget(request: HttpRequest, upload: uuid.UUID) -> dict[str, str]:
    """Forget an upload that is not received."""
    arriving.forget(arriving.owned(_uploader(request), upload))
    return {"detail": "Forgotten."}
