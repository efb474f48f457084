"""Says what a file is by its bytes.  A finding, never a refusal: the original is kept regardless.

Own signatures come first, for the formats that the archive treats in its own way; puremagic is
asked about the rest.  A PRONOM identifier (The National Archives' registry of formats) is given
only where the signature alone settles it.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import puremagic

HEAD = 16 * 1024  # bytes looked at from the start
TAIL = 64 * 1024  # bytes looked at from the end
OLD_TEXT = 100  # bytes by which a text that is not UTF-8 is taken for one
BOXES = 4096  # boxes of an ISO media file walked at its top level

#: signature at offset 0, media type, PRONOM identifier or None where one signature has several
_SIGNATURES: tuple[tuple[bytes, str, str | None], ...] = (
    (b"\xff\xd8\xff", "image/jpeg", None),
    (b"\x89PNG\r\n\x1a\n", "image/png", None),
    (b"GIF87a", "image/gif", "fmt/3"),
    (b"GIF89a", "image/gif", "fmt/4"),
    (b"II*\x00", "image/tiff", "fmt/353"),
    (b"MM\x00*", "image/tiff", "fmt/353"),
    (b"OggS", "application/ogg", "fmt/944"),
    (b"fLaC", "audio/flac", "fmt/279"),
    (b"ID3", "audio/mpeg", "fmt/134"),
    (b"\x1f\x8b", "application/gzip", "x-fmt/266"),
    (b"7z\xbc\xaf'\x1c", "application/x-7z-compressed", "fmt/484"),
    (b"Rar!\x1a\x07", "application/vnd.rar", None),
    (b"SQLite format 3\x00", "application/vnd.sqlite3", "fmt/729"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", "fmt/111"),
    (b"FLV\x01", "video/x-flv", "x-fmt/382"),
    (b"\x00\x00\x01\xba", "video/mpeg", None),
    (b"\x00\x00\x01\xb3", "video/mpeg", None),
    (b"{\\rtf", "application/rtf", None),
)
_PDF = {
    b"1.0": "fmt/14", b"1.1": "fmt/15", b"1.2": "fmt/16", b"1.3": "fmt/17", b"1.4": "fmt/18",
    b"1.5": "fmt/19", b"1.6": "fmt/20", b"1.7": "fmt/276", b"2.0": "fmt/1129",
}  # fmt: skip
_BRANDS = {
    b"heic": ("image/heic", "fmt/1101"),
    b"heix": ("image/heic", "fmt/1101"),
    b"mif1": ("image/heif", None),
    b"avif": ("image/avif", None),
    b"avis": ("image/avif", None),
    b"qt  ": ("video/quicktime", "x-fmt/384"),
    b"M4A ": ("audio/mp4", None),
    b"M4B ": ("audio/mp4", None),
    b"3gp4": ("video/3gpp", "fmt/357"),
    b"3gp5": ("video/3gpp", "fmt/357"),
    b"3gp6": ("video/3gpp", "fmt/357"),
}
#: Names under which one format travels; a declared alias is no mismatch.
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
    "video/x-m4v": "video/mp4",
    "video/avi": "video/x-msvideo",
    "application/x-zip-compressed": "application/zip",
    "application/x-pdf": "application/pdf",
    "text/json": "application/json",
    "image/heif-sequence": "image/heif",
    "audio/ogg": "application/ogg",
    "video/ogg": "application/ogg",
    "application/wacz": "application/zip",
    "text/xml": "application/xml",
}
#: Formats that travel as another: what the bytes are, and what else they may truthfully be called.
_CONTAINERS = {
    "application/zip": ("application/vnd.", "application/epub+zip", "application/java-archive"),
    "text/plain": ("text/", "application/json", "application/x-ndjson", "application/xml"),
    "application/xml": ("application/", "image/svg+xml", "text/"),
    "image/heif": ("image/heic",),
}
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF-", "a PDF"),
    (b"<script", "a script"),
    (b"<html", "an HTML page"),
    (b"<?php", "PHP"),
)


def identify(
    stream: BinaryIO, parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return media type, PRONOM id where sure, the basis, and findings in words."""
    head = stream.read(HEAD)
    size = stream.seek(0, 2)
    stream.seek(max(0, size - TAIL))
    tail = stream.read(TAIL)
    media_type, pronom, basis = _type_of(head, size)
    declared = str(parameters.get("declared") or "")
    findings: list[dict[str, Any]] = []
    if not size:
        findings.append({"code": "empty", "detail": "The file has no bytes."})
    if not _fits(declared, media_type):
        findings.append(
            {
                "code": "declared_type_differs",
                "detail": f"Declared as {declared}; the bytes are {media_type}.",
            }
        )
    findings += _foreign(media_type, head, tail)
    end = _end_of(media_type, stream, size, tail)
    if end is not None and end < size:
        findings.append(
            {
                "code": "trailing_data",
                "detail": f"{size - end} bytes follow the end of the {media_type}.",
                "at": end,
            }
        )
    elif end is not None and end > size:
        findings.append({"code": "truncated", "detail": "The file ends before its format does."})
    return {
        "media_type": media_type,
        "pronom": pronom,
        "basis": basis,
        "declared": declared or None,
        "size": size,
        "raw": {"first_bytes": head[:32]},
        "findings": findings,
    }


def _type_of(head: bytes, size: int) -> tuple[str, str | None, str]:
    for magic, media_type, pronom in _SIGNATURES:
        if head.startswith(magic):
            return media_type, pronom, "signature"
    found = _structured(head, size)
    if found is not None:
        return (*found, "signature")
    # puremagic reads text as all manner of things: text that is text is said to be text first.
    text = _text(head)
    if text is not None:
        return text, None, "text"
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        matches = []
    for match in matches:
        if match.mime_type and match.confidence >= 0.5 and len(match.byte_match or b"") >= 4:
            return str(match.mime_type), None, "puremagic"
    return "application/octet-stream", None, "unknown"


def _structured(  # noqa: C901, PLR0911 - one return for each format
    head: bytes, size: int
) -> tuple[str, str | None] | None:
    """Return the type of a format whose signature has parts."""
    if head[4:8] == b"ftyp":
        return _brand(head)
    if head[4:8] in {b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return "video/quicktime", "x-fmt/384"
    if head[:4] == b"RIFF":
        return {
            b"WEBP": ("image/webp", None),
            b"WAVE": ("audio/wav", None),
            b"AVI ": ("video/x-msvideo", "fmt/5"),
        }.get(head[8:12])
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return (
            ("video/webm", "fmt/573") if b"webm" in head[:64] else ("video/x-matroska", "fmt/569")
        )
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return "application/zip", "x-fmt/263"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and len(head) >= 26:
        return "image/bmp", None
    marker = head[:1024].find(b"%PDF-")
    if marker >= 0:
        return "application/pdf", _PDF.get(head[marker + 5 : marker + 8])
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and not _text(head):
        layer, rate, sampling = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
        if layer == 0 and head[1] & 0xF0 == 0xF0 and sampling * 4 + rate < 64:
            return "audio/aac", None
        if layer and 0 < rate < 15 and sampling != 3:
            return "audio/mpeg", "fmt/134"
    if size >= 189 and head[0:1] == b"\x47" and head[188:189] == b"\x47":
        return "video/mp2t", None
    return None


def _brand(head: bytes) -> tuple[str, str | None]:
    """Return the type of an ISO base media file (ISO/IEC 14496-12) by its brands."""
    length = min(max(struct.unpack(">I", head[:4])[0], 16), 256)
    brands = [head[8:12]] + [head[at : at + 4] for at in range(16, length, 4)]
    if brands[0] == b"mif1":
        for brand in (b"heic", b"heix", b"avif"):
            if brand in brands:
                return _BRANDS[brand]
    return _BRANDS.get(brands[0], ("video/mp4", "fmt/199"))


def _text(head: bytes) -> str | None:  # noqa: PLR0911 - one return for each format
    if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
        return "text/plain" if _reads_as_text(text) and "\ufffd" not in text[:-1] else None
    if not head or b"\0" in head:
        return None
    for cut in range(4):  # the last character may be cut in the middle
        try:
            text = head[: len(head) - cut].decode("utf-8")
            break
        except UnicodeDecodeError:
            continue
    else:
        # An older encoding of one or two bytes: nothing in it that texts do not have.
        old = head.decode("latin-1")
        return "text/plain" if len(head) >= OLD_TEXT and _reads_as_text(old) else None
    start = text.lstrip("\ufeff \t\r\n")[:1024].lower()
    if start.startswith("<?xml"):
        return "image/svg+xml" if "<svg" in start else "application/xml"
    if start.startswith("<svg"):
        return "image/svg+xml"
    if start.startswith(("<!doctype html", "<html")):
        return "text/html"
    if start[:1] in {"{", "["} and start[1:].lstrip()[:1] in {'"', "{", "[", "}", "]"}:
        return "application/json"
    return "text/plain"


def _reads_as_text(text: str) -> bool:
    return not any((one < " " and one not in "\t\n\f\r") or one == "\x7f" for one in text)


def _fits(declared: str, found: str) -> bool:
    said = declared.split(";", 1)[0].strip().lower()
    said = _ALIASES.get(said, said)
    if said in {"", "application/octet-stream", found}:
        return True
    return any(said.startswith(one) for one in _CONTAINERS.get(found, ()))


def _foreign(media_type: str, head: bytes, tail: bytes) -> list[dict[str, Any]]:
    """Find the beginnings of other formats where a file of this type has no reason to have them."""
    if not media_type.startswith(("image/", "video/", "audio/")) or media_type == "image/svg+xml":
        return []
    found = []
    for where, block in (("start", head[4:]), ("end", tail)):
        lowered = block.lower()
        for mark, name in _FOREIGN:
            if mark.lower() in lowered and (len(mark) > 4 or _is_zip(block, tail)):
                found.append(
                    {
                        "code": "polyglot",
                        "detail": f"Near the {where} there is the mark of {name}.",
                    }
                )
    return found


def _is_zip(block: bytes, tail: bytes) -> bool:
    # Four bytes occur by chance; a ZIP archive also has its directory's end at the end.
    return b"PK\x03\x04" in block and b"PK\x05\x06" in tail


def _end_of(media_type: str, stream: BinaryIO, size: int, tail: bytes) -> int | None:
    """Return where the format says that it ends; None where it doesn't say or it can't be known."""
    if media_type == "image/png":
        at = tail.rfind(b"IEND\xaeB`\x82")
        return size - len(tail) + at + 8 if at >= 0 else None
    if media_type == "image/gif":
        return size if tail.endswith(b"\x3b") else None
    if media_type in {"image/webp", "audio/wav", "video/x-msvideo"} and size >= 12:
        stream.seek(4)
        length = struct.unpack("<I", stream.read(4))[0]
        end: int = 8 + length + length % 2
        return size if end == size + 1 else end
    if media_type == "image/jpeg":
        return _end_of_jpeg(stream, size)
    if media_type in {"video/mp4", "video/quicktime", "audio/mp4", "image/heic", "video/3gpp"}:
        return _end_of_boxes(stream, size)
    return None


def _end_of_jpeg(stream: BinaryIO, size: int) -> int | None:
    """Walk the markers of a JPEG (ITU T.81 annex B) to its last EOI.

    Further pictures behind the first (CIPA DC-007 multi-picture files) belong to the file: the walk
    goes on as long as a picture begins where the last ended.
    """
    stream.seek(0)
    data = stream.read(64 * 2**20)
    if len(data) < size:
        return None
    end = 0
    while data.startswith(b"\xff\xd8\xff", end):
        after = _end_of_picture(data, end)
        if after is None:
            return size + 1 if end == 0 else end
        end = after
    return end


def _end_of_picture(data: bytes, start: int) -> int | None:
    at = start + 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:
            at += 1
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker != 0xDA:
            continue
        while True:  # entropy-coded data: FF 00 and restart markers belong to it
            at = data.find(b"\xff", at)
            if at < 0 or at + 1 >= len(data):
                return None
            if data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                at += 2
                continue
            break
    return at + 2 if data[at : at + 2] == b"\xff\xd9" else None


def _end_of_boxes(stream: BinaryIO, size: int) -> int | None:
    at = 0
    for _ in range(BOXES):
        stream.seek(at)
        header = stream.read(16)
        if len(header) < 8:
            return at
        length = struct.unpack(">I", header[:4])[0]
        if not header[4:8].isascii() or not header[4:8].strip(b"\0"):
            return at
        if length == 0:
            return size
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        if length < 8:
            return at
        at += length
        if at >= size:
            return int(at)
    return None


def warm_up() -> None:
    """Load puremagic's tables."""
    _type_of(b"\x00\x01\x02\x03warm", 8)
