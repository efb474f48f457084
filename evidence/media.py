"""Answers that carry bytes, in ranges: originals to save only, derivatives to view.

Django's FileResponse knows no Range; without it a video can't be sought and a download not resumed
(RFC 9110, section 14).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

CHUNK = 256 * 1024  # bytes handed to the server at a time

#: Types that a browser may show from us, all of them made by our own sandboxed tools.
VIEWABLE = frozenset(
    {"image/jpeg", "image/png", "image/webp", "video/mp4", "audio/mp4", "audio/mpeg", "audio/aac"}
)

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte asked for; None when the whole is meant or it is unreadable.

    Raises ValueError when the range lies outside.
    """
    match = _RANGE.fullmatch(header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        if length == 0 or size == 0:
            raise ValueError(header)
        return max(0, size - length), size - 1
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if start >= size or end < start:
        raise ValueError(header)
    return start, end


def _pieces(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length > 0:
            piece = file.read(min(CHUNK, length))
            if not piece:
                return
            length -= len(piece)
            yield piece


def continues(request: HttpRequest) -> bool:
    """Tell whether this request asks for the later part of something, as a resumed one does."""
    match = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    return bool(match and match.group(1) and int(match.group(1)) > 0)


def _response(
    request: HttpRequest, file: IO[bytes], *, size: int, media_type: str, etag: str
) -> HttpResponseBase:
    header = request.headers.get("Range", "")
    condition = request.headers.get("If-Range", "")
    quoted = f'"{etag}"'
    try:
        span = _span(header, size) if header and condition in {"", quoted} else None
    except ValueError:
        file.close()
        refusal = HttpResponse(status=416)
        refusal["Content-Range"] = f"bytes */{size}"
        return refusal
    start, end = span or (0, size - 1)
    length = end - start + 1 if size else 0
    response: Any
    if request.method == "HEAD":
        file.close()
        response = HttpResponse(status=206 if span else 200, content_type=media_type)
    else:
        response = StreamingHttpResponse(
            _pieces(file, start, length), status=206 if span else 200, content_type=media_type
        )
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = quoted
    if span:
        response["Content-Range"] = f"bytes {start}-{end}/{size}"
    return response  # type: ignore[no-any-return]


def attachment(
    request: HttpRequest, file: IO[bytes], *, size: int, filename: str, sha256: str
) -> HttpResponseBase:
    """Answer with a file that a browser may only save: no type, no script, no frame.

    ``filename`` may be anything that somebody once gave; it goes in as RFC 6266 wants it.
    """
    response = _response(
        request, file, size=size, media_type="application/octet-stream", etag=sha256
    )
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", filename)[-100:] or "file"
    encoded = quote(filename.replace("\x00", ""), safe="", errors="replace")
    response["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    )
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def viewable(
    request: HttpRequest, file: IO[bytes], *, size: int, media_type: str, sha256: str
) -> HttpResponseBase:
    """Answer with a derivative of ours for the page to show; other types only as attachments."""
    if media_type not in VIEWABLE:
        return attachment(request, file, size=size, filename="derivative", sha256=sha256)
    response = _response(request, file, size=size, media_type=media_type, etag=sha256)
    response["Content-Disposition"] = "inline"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    return response
