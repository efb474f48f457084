"""What programs wrote into a picture beside it: XMP (ISO 16684-1) and IPTC-IIM.

Names of persons, places and programs, times, and the steps that a program says it took.  All of it
is what somebody wrote; anybody can write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import IptcImagePlugin
from PIL.ImageFile import ImageFile

from evidence.extractors import moments, places
from evidence.pictures import opened
from evidence.registry import UnsupportedError

PACKET = 4 * 2**20  # bytes of XMP that are read
VALUES = 500
DEPTH = 40
_PIECE = 4_000  # characters; a longer text would be cut

_PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef",
}
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LISTS = {f"{_RDF}Alt", f"{_RDF}Bag", f"{_RDF}Seq"}
_TIMES = {
    "created": "xmp:CreateDate",
    "modified": "xmp:ModifyDate",
    "described": "xmp:MetadataDate",
    "taken": "photoshop:DateCreated",
    "original": "exif:DateTimeOriginal",
}
_SAID = {
    "title": ("dc:title", "2:05"),
    "description": ("dc:description", "2:120"),
    "creator": ("dc:creator", "2:80"),
    "rights": ("dc:rights", "2:116"),
    "credit": ("photoshop:Credit", "2:110"),
    "source": ("photoshop:Source", "2:115"),
    "city": ("photoshop:City", "2:90"),
    "country": ("photoshop:Country", "2:101"),
    "program": ("xmp:CreatorTool", "2:65"),
    "digital_source_type": ("Iptc4xmpExt:DigitalSourceType", ""),
    "document": ("xmpMM:DocumentID", ""),
    "original_document": ("xmpMM:OriginalDocumentID", ""),
}
_POINT = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])")


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return what is said, the times and the place with their basis, and both raw."""
    with opened(stream) as image:
        packet = _bytes(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
        iptc = IptcImagePlugin.getiptcinfo(cast("ImageFile", image)) or {}
    if not packet and not iptc:
        raise UnsupportedError("There is neither XMP nor IPTC in it.")
    warnings: list[str] = []
    values = _values(packet, warnings) if packet else {}
    legacy = {f"{record}:{number:02}": _texts(value) for (record, number), value in iptc.items()}
    gps = _place(values, warnings)
    return {
        "parsed": {
            "said": {
                name: found
                for name, (key, old) in _SAID.items()
                if (found := "; ".join(values.get(key) or legacy.get(old) or []))
            },
            "times": {
                name: moments.iso_moment(values[key][0])
                for name, key in _TIMES.items()
                if values.get(key)
            },
            "gps": gps,
            "history": _history(values),
        },
        "raw": {"xmp": _pieces(packet), "iptc": legacy},
        "warnings": warnings,
    }


def _bytes(packet: bytes | str | None) -> bytes:
    return packet.encode() if isinstance(packet, str) else packet or b""


def _pieces(packet: bytes) -> list[str]:
    text = packet.decode("utf-8", "backslashreplace")
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [
        one.decode("utf-8", "backslashreplace") if isinstance(one, bytes) else str(one)
        for one in several
    ]


def _values(packet: bytes, warnings: list[str]) -> dict[str, list[str]]:
    """Return the packet's values by their names, prefixed as everybody does; in order."""
    if len(packet) > PACKET:
        warnings.append(f"XMP of more than {PACKET} bytes was not read.")
        return {}
    begin, end = packet.find(b"<"), packet.rfind(b">")
    try:
        root = fromstring(packet[max(0, begin) : end + 1], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        warnings.append(f"Its XMP can't be read: {type(error).__name__}.")
        return {}
    values: dict[str, list[str]] = {}
    said = (
        pair
        for rdf in root.iter(f"{_RDF}RDF")
        for description in rdf  # one for each schema, or one for all
        for pair in _within(description, "")
    )
    for number, (name, value) in enumerate(said):
        if number >= VALUES:
            warnings.append(f"Only the first {VALUES} values of its XMP were read.")
            break
        values.setdefault(name, []).append(value)
    return values


def _within(element: Element, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    yield from _attributes(element, path)
    if depth > DEPTH:
        return
    for child in element:
        if child.tag in _LISTS or child.tag in {f"{_RDF}li", f"{_RDF}Description"}:
            name = path
        else:
            name = f"{path}/{_name(child.tag)}" if path else _name(child.tag)
        text = (child.text or "").strip()
        if text and not len(child):
            yield name, text
        yield from _within(child, name, depth + 1)


def _attributes(element: Element, path: str) -> Iterator[tuple[str, str]]:
    for tag, value in element.attrib.items():
        if tag.startswith(_RDF) or not tag.startswith("{") or "XML/1998" in tag:
            continue
        yield (f"{path}/{_name(tag)}" if path else _name(tag)), value


def _name(tag: str) -> str:
    address, _, local = tag.removeprefix("{").partition("}")
    return f"{_PREFIXES[address]}:{local}" if address in _PREFIXES else f"{{{address}}}{local}"


def _history(values: Mapping[str, list[str]]) -> list[str]:
    """Return the steps that a program wrote down, as far as each has the same number of facts."""
    facts = [
        values.get(f"xmpMM:History/stEvt:{name}", [])
        for name in ("when", "action", "softwareAgent")
    ]
    steps = max(len(one) for one in facts)
    return [
        " ".join(one[number] for one in facts if len(one) == steps)
        for number in range(min(50, steps))
    ]


def _place(values: Mapping[str, list[str]], warnings: list[str]) -> dict[str, Any] | None:
    said = {
        name: values[key][0]
        for name, key in (("lat", "exif:GPSLatitude"), ("lon", "exif:GPSLongitude"))
        if values.get(key)
    }
    if not said:
        return None
    found, problem = places.place(
        said,
        _degrees(said.get("lat", ""), positive="N", negative="S"),
        _degrees(said.get("lon", ""), positive="E", negative="W"),
    )
    if problem:
        warnings.append(f"No place was taken from its XMP: {problem}.")
    return found


def _degrees(text: str, *, positive: str, negative: str) -> float | None:
    match = _POINT.fullmatch(text.strip())
    if match is None:
        return None
    numbers = [float(one) for one in match.groups()[:3] if one is not None]
    return places.degrees(numbers, match[4], positive=positive, negative=negative)


def warm_up() -> None:
    """Have the parser of XML load what it loads at first use."""
    fromstring(b"<a/>", forbid_dtd=True)
