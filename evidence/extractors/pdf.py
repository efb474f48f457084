"""What a PDF says about itself, by looking for it and running nothing: pages, producer, dates.

A careful look, not a PDF reader: objects inside compressed streams are not opened, so a count that
can't be had is null, and dates are then those of the document's XMP.  Marks of active content and
of later changes are counted and reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, BinaryIO

from evidence.extractors.moments import iso_moment, pdf_moment
from evidence.registry import UnsupportedError

LIMIT = 64 * 2**20  # bytes looked at
_KEYS = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate")
_MARKS = {
    "javascript": rb"/(?:JavaScript|JS)\b",
    "open_action": rb"/OpenAction\b",
    "launch": rb"/Launch\b",
    "embedded_files": rb"/EmbeddedFiles?\b",
    "encrypted": rb"/Encrypt\b",
    "signature": rb"/ByteRange\b",
}
_XMP_DATE = re.compile(
    rb"(?<![/\w])xmp:(CreateDate|ModifyDate)(?:\s*=\s*[\"']([^\"'<>]{4,40})[\"']|>([^<>]{4,40})<)"
)


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the document's facts; raises UnsupportedError when it is no PDF."""
    data = stream.read(LIMIT)
    start = data[:1024].find(b"%PDF-")
    if start < 0:
        raise UnsupportedError("There is no PDF header in the first 1024 bytes.")
    warnings = []
    if stream.read(1):
        warnings.append(f"Only the first {LIMIT} bytes were looked at.")
    raw = _information(data)
    texts = {key: _text(value) for key, value in raw.items()}
    encrypted = re.search(_MARKS["encrypted"], data) is not None
    said, differing = _xmp(data)
    if differing:
        warnings.append("Its XMP packets name different dates; none of them is taken.")
    times = {} if encrypted else _times(texts, {} if differing else said)
    counts = [
        int(one) for one in re.findall(rb"/Type\s*/Pages\b[^>]{0,400}?/Count\s+(\d{1,9})", data)
    ]
    counts += [
        int(one) for one in re.findall(rb"/Count\s+(\d{1,9})[^>]{0,400}?/Type\s*/Pages\b", data)
    ]
    leaves = len(re.findall(rb"/Type\s*/Page(?![A-Za-z])", data))
    endings = data.count(b"%%EOF")
    if endings > 1:
        warnings.append(f"The document was saved {endings} times; earlier states may be in it.")
    return {
        "parsed": {
            "version": data[start + 5 : start + 8].decode("ascii", "replace"),
            "pages": max(counts) if counts else leaves or None,
            "pages_basis": "page tree" if counts else "page objects" if leaves else "unknown",
            "times": times,
            "producer": None if encrypted else texts.get("Producer"),
            "creator": None if encrypted else texts.get("Creator"),
            "marks": {name: len(re.findall(mark, data)) for name, mark in _MARKS.items()},
            "saved": endings,
        },
        "raw": {"information": raw, "xmp": said},
        "warnings": warnings,
    }


def _information(data: bytes) -> dict[str, bytes]:
    """Return the values of the Info dictionary that the last trailer names, as they stand."""
    references = re.findall(rb"/Info\s+(\d{1,9})\s+(\d{1,5})\s+R", data)
    if not references:
        return {}
    number, generation = references[-1]
    starts = list(re.finditer(rb"(?<!\d)%s\s+%s\s+obj\b" % (number, generation), data))
    if not starts:
        return {}
    body = data[starts[-1].end() : starts[-1].end() + 64 * 1024]
    found = {}
    for key in _KEYS:
        match = re.search(rb"/%s\s*(?=[(<])" % key.encode(), body[: _end(body)])
        if match:
            value = _string(body, match.end())
            if value is not None:
                found[key] = value
    return found


def _times(information: Mapping[str, str], xmp: Mapping[str, str]) -> dict[str, Any]:
    times = {}
    for name, key, other in (
        ("created", "CreationDate", "CreateDate"),
        ("modified", "ModDate", "ModifyDate"),
    ):
        if key in information:
            times[name] = pdf_moment(information[key])
        elif other in xmp:
            times[name] = iso_moment(xmp[other])
    return times


def _xmp(data: bytes) -> tuple[dict[str, str], bool]:
    """Return the dates of the document's plain XMP, and whether its packets differ.

    Packets of earlier saves and of embedded pictures look the same from outside.
    """
    starts = [one.end() for one in re.finditer(rb"<x:xmpmeta\b", data)]
    packets = [
        {
            match[1].decode("ascii"): (match[2] or match[3]).decode("ascii", "replace")
            for match in _XMP_DATE.finditer(data, start, min(start + 64 * 1024, following))
        }
        for start, following in pairwise([*starts, len(data)])
    ]
    dated = [packet for packet in packets if packet]
    if not dated:
        return {}, False
    return dated[-1], any(packet != dated[-1] for packet in dated)


def _end(body: bytes) -> int:
    at = body.find(b"endobj")
    return at if at >= 0 else len(body)


def _string(body: bytes, at: int) -> bytes | None:
    """Read a literal or hexadecimal string (ISO 32000-1, 7.3.4)."""
    if body[at : at + 1] == b"<":
        end = body.find(b">", at)
        digits = re.sub(rb"\s", b"", body[at + 1 : end])
        if end < 0 or not re.fullmatch(rb"[0-9A-Fa-f]*", digits):
            return None
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    found, depth, at = bytearray(), 1, at + 1
    plain = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b""}
    while at < len(body):
        char = body[at : at + 1]
        if char == b"\\":
            octal = re.match(rb"[0-7]{1,3}", body[at + 1 : at + 4])
            if octal:
                found.append(int(octal[0], 8) & 0xFF)
                at += 1 + octal.end()
            else:
                follow = body[at + 1 : at + 2]
                found += plain.get(follow, follow)
                at += 2
            continue
        depth += (char == b"(") - (char == b")")
        if depth == 0:
            return bytes(found)
        found += char
        at += 1
    return None


def _text(value: bytes) -> str:
    if value.startswith(b"\xfe\xff"):
        return value[2:].decode("utf-16-be", "replace")
    if value.startswith(b"\xef\xbb\xbf"):
        return value[3:].decode("utf-8", "replace")
    return value.decode("latin-1")
