"""The same facts in every standard's file: RO-Crate, CASE, PREMIS and the tables must agree.

Each of these files repeats paths, sizes, digests and custody for other programs.  A reader of one
of them must not be told something else than the manifests and the ledger say, and no file may be
left out.  Files that a bundle does not have are not asked for.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Optional
from xml.etree import ElementTree as ET

from archive.proof.canonical import parse_json
from archive.proof.entries import format_time
from archive.proof.errors import MalformedError
from archive.proof.examination import (
    LONGEST_MANIFEST,
    LONGEST_TEXT,
    Examination,
    failed,
    passed,
)
from archive.proof.originals import is_media
from archive.proof.report import Finding

CRATE = "data/ro-crate-metadata.json"
TABLES = "data/tables/"
# What is not as its standard has it raises one of these; the text of most is of no use.
_NOT_IN_FORM = (KeyError, TypeError, ValueError, AttributeError, csv.Error)
LONGEST_LINE = 1024 * 1024  # bytes of a table's
_PREMIS = re.compile(r"data/premis/premis(?:-[0-9]{4})?\.xml")
_GRAPH = re.compile(r"data/case/graph(?:-[0-9]{4})?\.jsonld")
_IN_PREMIS = "{http://www.loc.gov/premis/v3}"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


@dataclass
class Told:
    """What one file tells of the bundle's files and of the ledger's entries."""

    #: By path in the bag: (SHA-256, SHA-512, size), None for what this standard does not say.
    files: dict[str, tuple[Optional[str], Optional[str], Optional[int]]] = field(
        default_factory=dict
    )
    #: By number: (time, leaf hash), None likewise.
    entries: dict[int, tuple[Optional[str], Optional[str]]] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)

    def file(
        self, path: str, sha256: Optional[str], sha512: Optional[str], size: Optional[int]
    ) -> None:
        if path in self.files:
            self.repeated.append(path)
        self.files[path] = (sha256, sha512, size)


def metadata_agrees(at: Examination) -> Iterator[Finding]:
    """Every file of a standard says of each file and entry what manifests and ledger say."""
    graphs = sorted(filter(_GRAPH.fullmatch, at.bundle.members))
    readers = [
        ([CRATE], _crate),
        (graphs, _graph),
        (sorted(filter(_PREMIS.fullmatch, at.bundle.members)), _premis),
        ([f"{TABLES}files.jsonl"], _json_lines),
        ([f"{TABLES}custody.jsonl"], _json_lines),
        ([f"{TABLES}files.csv"], _csv),
        ([f"{TABLES}custody.csv"], _csv),
    ]
    there = set(filter(is_media, at.bundle.members))
    agreeing, faults = 0, 0
    for paths, read in readers:
        present = [path for path in paths if path in at.bundle.members]
        if not present:
            continue
        told = Told()
        try:
            for path in present:
                read(at, path, told)
        except (*_NOT_IN_FORM, MalformedError) as error:
            faults += 1
            yield failed("metadata-malformed", path, error)
            continue
        name = present[0] if len(present) == 1 else f"{present[0]} and others"
        for finding in _compared(at, name, told, set() if "custody" in name else there):
            faults += 1
            yield finding
        agreeing += len(present)
    if agreeing and not faults:
        yield passed("metadata-agrees", f"{agreeing} files", "say what manifests and ledger say")


def _compared(at: Examination, name: str, told: Told, there: set[str]) -> Iterator[Finding]:
    for path in told.repeated:
        yield failed("metadata-contradicts", name, f"{path} stands in it twice")
    for path in sorted(there - told.files.keys()):
        yield failed("metadata-incomplete", name, f"{path} does not stand in it")
    yield from _files(at, name, told, there)
    yield from _entries(at, name, told)


def _files(at: Examination, name: str, told: Told, there: set[str]) -> Iterator[Finding]:
    for path, (sha256, sha512, size) in told.files.items():
        if path not in there:
            yield failed("metadata-contradicts", name, f"{path} is no file of evidence here")
            continue
        is_ = {
            "the SHA-256": (sha256, at.manifests.get("sha256", {}).get(path)),
            "the SHA-512": (sha512, at.manifests.get("sha512", {}).get(path)),
            "the size": (size, at.bundle.members[path].size),
        }
        for what, (said, found) in is_.items():
            if said is not None and said != found:
                yield failed("metadata-contradicts", name, f"{what} of {path} differs")


def _entries(at: Examination, name: str, told: Told) -> Iterator[Finding]:
    for seq, (time, leaf) in told.entries.items():
        entry = at.entries.get(seq)
        if entry is None:
            yield failed("metadata-contradicts", name, f"entry {seq} is not in this bundle")
        elif time not in {None, format_time(entry.time)}:
            yield failed("metadata-contradicts", name, f"the time of entry {seq} differs")
        elif leaf not in {None, entry.leaf.hex()}:
            yield failed("metadata-contradicts", name, f"the leaf hash of entry {seq} differs")


def _crate(at: Examination, path: str, told: Told) -> None:
    for entity in parse_json(at.bundle.read(path, limit=LONGEST_MANIFEST))["@graph"]:
        kinds = entity["@type"]
        if kinds == "File" or (isinstance(kinds, list) and "File" in kinds):
            told.file(
                f"data/{entity['@id']}", str(entity["sha256"]), None, int(entity["contentSize"])
            )


def _graph(at: Examination, path: str, told: Told) -> None:
    for node in parse_json(at.bundle.read(path, limit=LONGEST_TEXT))["@graph"]:
        for name in ("uco-action:startTime", "uco-action:endTime"):
            if name in node and not _TIME.fullmatch(node[name]["@value"]):
                raise MalformedError(f"{node[name]['@value']!r} is no time")
        facets = {facet["@type"]: facet for facet in node.get("uco-core:hasFacet", ())}
        place = facets.get("uco-observable:FileFacet")
        if place is None:
            continue
        data = facets["uco-observable:ContentDataFacet"]
        digests = {
            each["uco-types:hashMethod"]: str(each["uco-types:hashValue"]["@value"])
            for each in data["uco-observable:hash"]
        }
        if not place["uco-observable:filePath"].endswith(f"/{place['uco-observable:fileName']}"):
            raise MalformedError(f"{place['uco-observable:fileName']!r} is not that file's name")
        told.file(
            str(place["uco-observable:filePath"]),
            digests["SHA256"],
            digests["SHA512"],
            int(data["uco-observable:sizeInBytes"]),
        )


def _premis(at: Examination, path: str, told: Told) -> None:
    text = at.bundle.read(path, limit=LONGEST_TEXT)
    if b"<!" in text:
        raise MalformedError("holds a declaration of its own, which nothing here needs")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no declarations: nothing expands
    except ET.ParseError as error:
        raise MalformedError(f"not XML: {error}") from error
    for each in root.iter(f"{_IN_PREMIS}object"):
        place = _text(each, "storage/contentLocation/contentLocationValue")
        if place is None:
            continue
        digests = {
            _text(fixity, "messageDigestAlgorithm"): _text(fixity, "messageDigest")
            for fixity in each.iter(f"{_IN_PREMIS}fixity")
        }
        size = int(_text(each, "objectCharacteristics/size") or "")
        told.file(place, digests["SHA-256"], digests["SHA-512"], size)
    for each in root.iter(f"{_IN_PREMIS}event"):
        name = _text(each, "eventIdentifier/eventIdentifierValue") or ""
        told.entries[int(name.rpartition("#")[2])] = (_text(each, "eventDateTime"), None)


def _text(element: Any, path: str) -> Optional[str]:
    found = element.findtext("/".join(_IN_PREMIS + name for name in path.split("/")))
    return None if found is None else str(found)


def _json_lines(at: Examination, path: str, told: Told) -> None:
    _rows((parse_json(line) for line in _lines(at, path)), told)


def _csv(at: Examination, path: str, told: Told) -> None:
    lines = (line.decode("utf-8") for line in _lines(at, path))
    first = next(lines, "").removeprefix("\ufeff")
    _rows(csv.DictReader(itertools.chain([first], lines)), told)


def _lines(at: Examination, path: str) -> Iterator[bytes]:
    """Give a table's lines with their ends; so a long table needs no more memory."""
    rest = b""
    for chunk in at.bundle.chunks(at.bundle.members[path]):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > LONGEST_LINE:
            raise MalformedError("a line that is too long")
    if rest:
        raise MalformedError("the last line has no end")


def _rows(rows: Iterable[Any], told: Told) -> None:
    for row in rows:
        if "entry" in row:
            told.entries[int(row["entry"])] = (str(row["time"]), str(row["leaf"]))
        else:
            told.file(str(row["path"]), str(row["sha256"]), str(row["sha512"]), int(row["size"]))
