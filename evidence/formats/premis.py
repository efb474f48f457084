"""``premis/premis.xml``: objects, events, agents and rights in PREMIS 3.0 for repositories.

As many files as ``parted`` makes, so that a reader needs no more memory for more items; in each,
one line for each object, event, agent and statement of rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, tostring

from archive.proof import events
from evidence.formats.case_graph import numbered, parted
from evidence.formats.records import BundleRecord, FileRecord, HistoryRecord, ItemRecord, Withheld

NAMESPACE = "http://www.loc.gov/premis/v3"
EVENT_TYPES = "http://id.loc.gov/vocabulary/preservation/eventType"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PRONOM = "http://www.nationalarchives.gov.uk/pronom"
ENTRY, ACTOR, FILE, EXHIBIT = "custody entry", "custody actor", "UUID", "exhibit number"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(bundle: BundleRecord) -> Mapping[str, bytes]:
    """Return the files by their paths below ``data/``: UTF-8, LF, no document type."""
    parts = parted(bundle.items)
    names = numbered("premis/premis", "xml", len(parts))
    return {
        name: _document(replace(bundle, items=items))
        for name, items in zip(names, parts, strict=False)
    }


def _document(bundle: BundleRecord) -> bytes:
    root = Element("premis", {"xmlns": NAMESPACE, "xmlns:xsi": XSI, "version": "3.0"})
    for item in bundle.items:
        root.append(_exhibit(item))
        root.extend(_file(item, file) for file in item.files)
    for item in bundle.items:
        root.extend(_event(bundle, item, one) for one in item.history)
    root.extend(_agents(bundle))
    root.extend(_rights(bundle))
    root.text = "\n"
    for each in root:
        each.tail = "\n"
    text: bytes = tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text + b"\n"


def _add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """Add an element; characters that XML can't hold are replaced."""
    made = SubElement(parent, name, attributes)
    if text:
        made.text = _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return made


def _pair(parent: Element, name: str, kind: str, value: str) -> Element:
    made = _add(parent, name)
    _add(made, f"{name}Type", kind)
    _add(made, f"{name}Value", value)
    return made


def _object(kind: str) -> Element:
    return Element("object", {"xsi:type": kind})


def _exhibit(item: ItemRecord) -> Element:
    made = _object("intellectualEntity")
    _pair(made, "objectIdentifier", EXHIBIT, item.exhibit_number)
    _pair(made, "objectIdentifier", FILE, item.item)
    if item.title:
        _add(made, "originalName", item.title)
    return made


def _file(item: ItemRecord, file: FileRecord) -> Element:
    made = _object("file")
    _pair(made, "objectIdentifier", FILE, file.file)
    facts = _add(made, "objectCharacteristics")
    for algorithm, digest in (("SHA-256", file.sha256), ("SHA-512", file.sha512)):
        fixity = _add(facts, "fixity")
        _add(fixity, "messageDigestAlgorithm", algorithm)
        _add(fixity, "messageDigest", digest)
    _add(facts, "size", str(file.size))
    form = _add(facts, "format")
    _add(_add(form, "formatDesignation"), "formatName", file.media_type or "unknown")
    if file.pronom:
        registry = _add(form, "formatRegistry")
        _add(registry, "formatRegistryName", "PRONOM", authorityURI=PRONOM)
        _add(registry, "formatRegistryKey", file.pronom)
    if file.original_filename:
        _add(made, "originalName", file.original_filename)
    place = _add(_add(made, "storage"), "contentLocation")
    _add(place, "contentLocationType", "path in the bag")
    _add(place, "contentLocationValue", f"data/evidence/{item.folder}/{file.path}")
    _related(made, "structural", "is part of", EXHIBIT, item.exhibit_number)
    if file.derived_from:
        _related(made, "derivation", file.derivation, FILE, file.derived_from)
    return made


def _related(parent: Element, kind: str, sub_kind: str, what: str, value: str) -> None:
    made = _add(parent, "relationship")
    _add(made, "relationshipType", kind)
    _add(made, "relationshipSubType", sub_kind or "unknown")
    _pair(made, "relatedObjectIdentifier", what, value)


def _event(bundle: BundleRecord, item: ItemRecord, one: HistoryRecord) -> Element:
    made = Element("event")
    _pair(made, "eventIdentifier", ENTRY, f"{bundle.origin}#{one.seq}")
    kind = events.KINDS.get(one.kind)
    if kind is not None and kind.premis:
        _add(made, "eventType", kind.premis, authority="eventType", authorityURI=EVENT_TYPES)
    else:
        _add(made, "eventType", one.kind)
    _add(made, "eventDateTime", one.time)
    _add(_add(made, "eventDetailInformation"), "eventDetail", f"{one.kind}: {one.sentence}")
    agent = _pair(made, "linkingAgentIdentifier", ACTOR, one.actor)
    _add(agent, "linkingAgentRole", "performer")
    _pair(made, "linkingObjectIdentifier", EXHIBIT, item.exhibit_number)
    return made


def _agents(bundle: BundleRecord) -> Iterator[Element]:
    for actor in sorted({one.actor for item in bundle.items for one in item.history}):
        made = Element("agent")
        _pair(made, "agentIdentifier", ACTOR, actor)
        yield made
    made = Element("agent")
    _pair(made, "agentIdentifier", "log", bundle.origin)
    _add(made, "agentName", bundle.organisation or bundle.origin)
    _add(made, "agentType", "organization")
    yield made


def _rights(bundle: BundleRecord) -> Iterator[Element]:
    """Yield a statement for each thing withheld: on which basis it may not be given."""
    for item in bundle.items:
        for number, one in enumerate(item.withheld, start=1):
            made = Element("rights")
            said = _add(made, "rightsStatement")
            _pair(said, "rightsStatementIdentifier", "withheld", f"{item.exhibit_number}/{number}")
            _basis(said, one)
            granted = _add(said, "rightsGranted")
            _add(granted, "act", "disseminate")
            _add(granted, "restriction", f"withheld: {one.what}")
            _add(granted, "rightsGrantedNote", one.reason)
            _pair(said, "linkingObjectIdentifier", EXHIBIT, item.exhibit_number)
            yield made


def _basis(said: Element, one: Withheld) -> None:
    if one.statute:
        _add(said, "rightsBasis", "statute")
        statute = _add(said, "statuteInformation")
        _add(statute, "statuteJurisdiction", "international")
        _add(statute, "statuteCitation", one.statute)
        return
    _add(said, "rightsBasis", "other")
    _add(_add(said, "otherRightsInformation"), "otherRightsBasis", "policy of the archive")
