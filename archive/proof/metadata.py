"""The same facts in every standard's file: RO-Crate, CASE, PREMIS and the tables must agree.

Each of these files repeats paths, sizes, digests and custody for other programs.  A reader of one
of them must not be told something else than the manifests and the ledger say, and no file may be
left out.  Files that a bundle does not have are not asked for.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Optional
from xml.etree import ElementTree as ET

from archive.proof.canonical import parse_json
from archive.proof.entries import format_time
from archive.proof.errors import MalformedError
from archive.proof.examination import (
    LONGEST_MANIFEST,
    LONGEST_RECORD,
    LONGEST_TEXT,
    Examination,
    failed,
    passed,
)
from archive.proof.originals import is_media
from archive.proof.report import Finding
from archive.proof.second_process import worked_out_beside

CRATE = "data/ro-crate-metadata.json"
TABLES = "data/tables/"
# What is not as its standard has it raises one of these; the text of most is of no use.
_NOT_IN_FORM = (KeyError, TypeError, ValueError, AttributeError, csv.Error)
WORTH_A_PROCESS = 8 * 1024 * 1024  # bytes of the standards' files; below, one reads them all
LONGEST_LINE = 1024 * 1024  # bytes of a table's
_PREMIS = re.compile(r"data/premis/premis(?:-[0-9]{4})?\.xml")
_GRAPH = re.compile(r"data/case/graph(?:-[0-9]{4})?\.jsonld")
_GRAPH_BEGINS, _GRAPH_ENDS = b'"@graph":[', b"]}\n"
AT_ONCE = 256 * 1024  # bytes of whole lines, read as one text
_PREMIS_BY_LINE = re.compile(
    rb'<\?xml version="1\.0" encoding="UTF-8"\?>\n(?P<root><premis( [a-z:]+="[^"<>]*")*>\n)'
    rb"<(?P<name>[a-z]+)[^\n]*</(?P=name)>\n"
)
_PREMIS_ENDS = b"</premis>\n"
_ELEMENT_ENDS = (b"</object>\n", b"</event>\n", b"</agent>\n", b"</rights>\n")
_IN_PREMIS = "{http://www.loc.gov/premis/v3}"
_PLACE, _ALGORITHM, _DIGEST, _SIZE, _EVENT, _EVENT_TIME = (
    tuple(_IN_PREMIS + name for name in path.split("/"))
    for path in (
        "storage/contentLocation/contentLocationValue",
        "messageDigestAlgorithm",
        "messageDigest",
        "objectCharacteristics/size",
        "eventIdentifier/eventIdentifierValue",
        "eventDateTime",
    )
)
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
    here, there = _readings(at)
    size = sum(at.bundle.members[path].size for each in (*here, *there) for path in each.paths)
    if size < WORTH_A_PROCESS:
        found = [each.findings(at) for each in (*here, *there)]
    else:
        with worked_out_beside(partial(_as_json, at, there)) as result:
            found = [each.findings(at) for each in here]
            said = result()
        found += _from_json(said) if said is not None else [each.findings(at) for each in there]
    for findings in found:
        yield from findings
    count = sum(len(each.paths) for each in (*here, *there))
    if count and not any(found):
        yield passed("metadata-agrees", f"{count} files", "say what manifests and ledger say")


@dataclass
class _Reading:
    """Files that tell the same things by parts, and who reads them."""

    paths: list[str]
    read: Callable[[Examination, str, Told], None]

    def findings(self, at: Examination) -> list[Finding]:
        told = Told()
        for path in self.paths:
            try:
                self.read(at, path, told)
            except (*_NOT_IN_FORM, MalformedError) as error:
                return [failed("metadata-malformed", path, error)]
        name = self.paths[0] if len(self.paths) == 1 else f"{self.paths[0]} and others"
        there = set() if "custody" in name else set(filter(is_media, at.bundle.members))
        return list(_compared(at, name, told, there))


def _readings(at: Examination) -> tuple[list[_Reading], list[_Reading]]:
    """Return what is to be read, in two halves that take about as long."""
    members = at.bundle.members
    halves = (
        [
            _Reading([CRATE], _crate),
            _Reading(sorted(filter(_PREMIS.fullmatch, members)), _premis),
            _Reading([f"{TABLES}files.jsonl"], _json_lines),
        ],
        [
            _Reading(sorted(filter(_GRAPH.fullmatch, members)), _graph),
            _Reading([f"{TABLES}custody.jsonl"], _json_lines),
            _Reading([f"{TABLES}files.csv"], _csv),
            _Reading([f"{TABLES}custody.csv"], _csv),
        ],
    )
    here, there = (
        [each for each in half if each.paths and each.paths[0] in members] for half in halves
    )
    return here, there


def _as_json(at: Examination, readings: Iterable[_Reading]) -> bytes:
    """Return what is found, a list for each reading, for the process that asked."""
    found = [
        [(one.code, one.outcome, one.subject, one.detail) for one in each.findings(at)]
        for each in readings
    ]
    return json.dumps(found).encode()


def _from_json(said: bytes) -> list[list[Finding]]:
    return [[Finding(*one) for one in each] for each in json.loads(said)]


def _compared(at: Examination, name: str, told: Told, there: set[str]) -> Iterator[Finding]:
    for path in told.repeated:
        yield failed("metadata-contradicts", name, f"{path} stands in it twice")
    for path in sorted(there - told.files.keys()):
        yield failed("metadata-incomplete", name, f"{path} does not stand in it")
    yield from _files(at, name, told, there)
    yield from _entries(at, name, told)


def _files(at: Examination, name: str, told: Told, there: set[str]) -> Iterator[Finding]:
    short, long = at.manifests.get("sha256", {}), at.manifests.get("sha512", {})
    for path, (sha256, sha512, size) in told.files.items():
        if path not in there:
            yield failed("metadata-contradicts", name, f"{path} is no file of evidence here")
            continue
        for what, claimed, found in (
            ("the SHA-256", sha256, short.get(path)),
            ("the SHA-512", sha512, long.get(path)),
            ("the size", size, at.bundle.members[path].size),
        ):
            if claimed is not None and claimed != found:
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


def _nodes(at: Examination, path: str, *, limit: int) -> Iterator[Any]:
    """Give the nodes of a JSON-LD graph: line by line where it is written so, else read whole."""
    first, is_line, _ = next(at.bundle.chunks(at.bundle.members[path]), b"").partition(b"\n")
    if is_line and first.endswith(_GRAPH_BEGINS):
        yield from _by_line(_lines(at, path, longest=LONGEST_RECORD))
    else:
        yield from parse_json(at.bundle.read(path, limit=limit))["@graph"]


def _by_line(lines: Iterator[bytes]) -> Iterator[Any]:
    """Give the nodes of a graph that has one on each line; together the lines are one document."""
    if parse_json(next(lines) + b"]}")["@graph"] != []:
        raise MalformedError("what stands before the graph is not whole")
    batch: list[bytes] = []
    held = 0
    follows = True  # a node, or else the end
    for number, line in enumerate(lines):
        if line == _GRAPH_ENDS and (number == 0 or not follows):
            break
        if not follows:
            raise MalformedError("two nodes without a comma between them")
        follows = line.endswith(b",\n")
        batch.append(line)
        held += len(line)
        if held >= AT_ONCE and follows:
            yield from parse_json(b"".join([b"[", *batch, b"null]"]))[:-1]
            batch, held = [], 0
    else:
        raise MalformedError("the graph has no end")
    if next(lines, None) is not None:
        raise MalformedError("something stands after the graph's end")
    yield from parse_json(b"".join([b"[", *batch, b"]"]))


def _crate(at: Examination, path: str, told: Told) -> None:
    for entity in _nodes(at, path, limit=LONGEST_MANIFEST):
        kinds = entity["@type"]
        if kinds == "File" or (isinstance(kinds, list) and "File" in kinds):
            told.file(
                f"data/{entity['@id']}", str(entity["sha256"]), None, int(entity["contentSize"])
            )


def _graph(at: Examination, path: str, told: Told) -> None:
    for node in _nodes(at, path, limit=LONGEST_TEXT):
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
    for root in _documents(at, path):
        for each in root.findall(f"{_IN_PREMIS}object"):
            place = _text(each, *_PLACE)
            if place is None:
                continue
            digests = {
                _text(fixity, *_ALGORITHM): _text(fixity, *_DIGEST)
                for fixity in each.iter(f"{_IN_PREMIS}fixity")
            }
            size = int(_text(each, *_SIZE) or "")
            told.file(place, digests["SHA-256"], digests["SHA-512"], size)
        for each in root.findall(f"{_IN_PREMIS}event"):
            name = _text(each, *_EVENT) or ""
            told.entries[int(name.rpartition("#")[2])] = (_text(each, *_EVENT_TIME), None)


def _documents(at: Examination, path: str) -> Iterator[Any]:
    """Give a PREMIS file as it is, or, where each line is a whole element, a batch at a time.

    Batches that are whole in themselves are whole together: with no declarations, nothing in one
    changes what another says.
    """
    begin = _PREMIS_BY_LINE.match(next(at.bundle.chunks(at.bundle.members[path]), b""))
    if begin is None:
        yield _xml(at.bundle.read(path, limit=LONGEST_TEXT))
        return
    root = begin.group("root")
    lines = itertools.islice(_lines(at, path), 2, None)
    batch, held = [root], 0
    for line in lines:
        if line == _PREMIS_ENDS:
            break
        batch.append(line)
        held += len(line)
        if held >= AT_ONCE and line.endswith(_ELEMENT_ENDS):  # a text may hold line breaks
            yield _xml(b"".join([*batch, _PREMIS_ENDS]))
            batch, held = [root], 0
    else:
        raise MalformedError("not XML: the root has no end")
    if next(lines, None) is not None:
        raise MalformedError("not XML: something stands after the root's end")
    yield _xml(b"".join([*batch, _PREMIS_ENDS]))


def _xml(text: bytes) -> Any:
    if b"<!" in text:
        raise MalformedError("holds a declaration of its own, which nothing here needs")
    try:
        return ET.fromstring(text)  # noqa: S314 - no declarations: nothing expands
    except ET.ParseError as error:
        raise MalformedError(f"not XML: {error}") from error


def _text(element: Any, *path: str) -> Optional[str]:
    """Return the text at the end of a path of names, None where there is no such element."""
    for name in path:
        element = element.find(name)
        if element is None:
            return None
    return element.text or ""


def _json_lines(at: Examination, path: str, told: Told) -> None:
    _rows((parse_json(line) for line in _lines(at, path)), told)


def _csv(at: Examination, path: str, told: Told) -> None:
    lines = (line.decode("utf-8") for line in _lines(at, path))
    first = next(lines, "").removeprefix("\ufeff")
    _rows(csv.DictReader(itertools.chain([first], lines)), told)


def _lines(at: Examination, path: str, longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Give a table's lines with their ends; so a long table needs no more memory."""
    rest = b""
    for chunk in at.bundle.chunks(at.bundle.members[path]):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > longest:
            raise MalformedError("a line that is too long")
    if rest:
        raise MalformedError("the last line has no end")


def _rows(rows: Iterable[Any], told: Told) -> None:
    for row in rows:
        if "entry" in row:
            told.entries[int(row["entry"])] = (str(row["time"]), str(row["leaf"]))
        else:
            told.file(str(row["path"]), str(row["sha256"]), str(row["sha512"]), int(row["size"]))
