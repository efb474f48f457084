"""``case/graph.jsonld``: the chain of custody in CASE/UCO 1.5 for forensic tools.

Each custody entry is an ``InvestigativeAction`` that yields a ``ProvenanceRecord`` of its exhibit;
all but the first take up the record before, so that a walker comes from the last to the first.
Context and vocabulary stand in the file; nothing is fetched.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from archive.proof import events
from evidence.formats import json_ld
from evidence.formats.records import BundleRecord, FileRecord, HistoryRecord, ItemRecord

AT_ONCE = 500  # items in one graph: validators take a sixth of a second for each
ROWS_AT_ONCE = 10_000  # files and entries in one graph: some fifteen megabytes
FEW = 50  # files that each entry of an item repeats; of more, only the first entry names them
NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "https://muniment.invalid/id/")
CONTEXT = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "kb": "https://muniment.invalid/id/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-marking": "https://ontology.unifiedcyberontology.org/uco/marking/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
Node = dict[str, Any]


def render(bundle: BundleRecord) -> Mapping[str, bytes]:
    """Return the graphs by their paths below ``data/``, as many as ``parted`` makes."""
    parts = parted(bundle.items) or [()]
    names = numbered("case/graph", "jsonld", len(parts))
    return {name: _graph(bundle, items) for name, items in zip(names, parts, strict=True)}


def parted(items: tuple[ItemRecord, ...]) -> list[tuple[ItemRecord, ...]]:
    """Return the items in parts of one file each: readers must be able to hold one."""
    parts: list[list[ItemRecord]] = []
    rows = 0
    for item in items:
        own = len(item.files) + len(item.history)
        if not parts or len(parts[-1]) >= AT_ONCE or rows + own > ROWS_AT_ONCE:
            parts.append([])
            rows = 0
        parts[-1].append(item)
        rows += own
    return [tuple(part) for part in parts]


def numbered(name: str, ending: str, count: int) -> list[str]:
    """Return the names of so many files: the first has the plain one, which readers look for."""
    return [f"{name}.{ending}", *(f"{name}-{one:04d}.{ending}" for one in range(2, count + 1))]


def _graph(bundle: BundleRecord, items: tuple[ItemRecord, ...]) -> bytes:
    nodes = [_organisation(bundle)]
    actors = {one.actor for item in items for one in item.history}
    nodes += [
        {"@id": _id("identity", actor), "@type": "uco-identity:Identity", "uco-core:name": actor}
        for actor in sorted(actors)
    ]
    records: list[Node] = []
    for item in items:
        nodes += _files(item)
        custody = list(_custody(bundle, item))
        records += [node for node in custody if node["@type"].endswith("ProvenanceRecord")]
        nodes += custody
    for case in sorted({item.case for item in items}):
        nodes.append(
            {
                "@id": _id("investigation", case),
                "@type": "case-investigation:Investigation",
                "uco-core:name": case,
                "uco-core:object": [
                    {"@id": node["@id"]} for node in records if node["_case"] == case
                ],
            }
        )
    for node in records:
        del node["_case"]
    return json_ld.document(CONTEXT, nodes)


def _id(kind: str, name: str) -> str:
    """Return a node's name; it ends in a UUID of version 5, which validators ask for."""
    return f"kb:{kind}-{uuid.uuid5(NAMES, f'{kind}:{name}')}"


def _organisation(bundle: BundleRecord) -> Node:
    return {
        "@id": _id("organization", bundle.origin),
        "@type": "uco-identity:Organization",
        "uco-core:name": bundle.organisation or bundle.origin,
    }


def _files(item: ItemRecord) -> Iterator[Node]:
    for file in item.files:
        yield _file(item, file)
    for number, one in enumerate(item.withheld, start=1):
        name = f"{item.item}:{number}"
        marking = _id("marking-definition", name)
        yield {
            "@id": _id("withheld", name),
            "@type": "uco-observable:File" if one.kind == "file" else "uco-core:UcoObject",
            "uco-core:name": f"{item.exhibit_number}: {one.what}, withheld",
            "uco-core:objectMarking": [{"@id": marking}],
        }
        yield {
            "@id": marking,
            "@type": "uco-marking:MarkingDefinition",
            "uco-marking:definitionType": "statement",
            "uco-marking:definition": [
                {
                    "@id": _id("statement-marking", name),
                    "@type": "uco-marking:StatementMarking",
                    "uco-marking:definitionType": "statement",
                    "uco-marking:statement": one.reason,
                }
            ],
        }


def _file(item: ItemRecord, file: FileRecord) -> Node:
    data: Node = {
        "@id": _id("content-data-facet", file.file),
        "@type": "uco-observable:ContentDataFacet",
        "uco-observable:sizeInBytes": file.size,
        "uco-observable:hash": [
            {
                "@id": _id("hash", f"{method}:{file.file}"),
                "@type": "uco-types:Hash",
                "uco-types:hashMethod": method,
                "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": value},
            }
            for method, value in (("SHA256", file.sha256), ("SHA512", file.sha512))
        ],
    }
    if file.media_type:
        data["uco-observable:mimeType"] = file.media_type
    return {
        "@id": _of_file(file),
        "@type": "uco-observable:File",
        "uco-core:hasFacet": [
            {
                "@id": _id("file-facet", file.file),
                "@type": "uco-observable:FileFacet",
                "uco-observable:fileName": file.path.rpartition("/")[2],
                "uco-observable:filePath": f"data/evidence/{item.folder}/{file.path}",
                "uco-observable:isDirectory": False,
            },
            data,
        ],
    }


def _of_file(file: FileRecord) -> str:
    return _id("file", file.file)


def _custody(bundle: BundleRecord, item: ItemRecord) -> Iterator[Node]:
    """Yield the exhibit's actions, each with the record that it yields."""
    things = [{"@id": _of_file(file)} for file in item.files] or [
        {"@id": _id("withheld", f"{item.item}:{number}")}
        for number, _ in enumerate(item.withheld, start=1)
    ]
    before: str | None = None
    for one in item.history:
        name = f"{bundle.origin}:{one.seq}"
        if before is not None and len(things) > FEW:
            things = []  # the record before leads to them
        record = _id("provenance-record", name)
        action = _action(one, name)
        taken_up = [{"@id": _id("provenance-record", before)}] if before else []
        if before is None:
            action["uco-action:result"] = [*things, {"@id": record}]
        else:
            action["uco-action:object"] = [*things, *taken_up]
            action["uco-action:result"] = [{"@id": record}]
            action["case-investigation:wasInformedBy"] = [{"@id": _id("action", before)}]
        yield action
        yield {
            "@id": record,
            "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": item.exhibit_number,
            **({"uco-core:object": things} if things else {}),
            "_case": item.case,
        }
        before = name


def _action(one: HistoryRecord, name: str) -> Node:
    kind = events.KINDS.get(one.kind)
    time = {"@type": "xsd:dateTime", "@value": one.time}
    return {
        "@id": _id("action", name),
        "@type": "case-investigation:InvestigativeAction",
        "uco-core:name": (kind.case_action if kind else "") or one.kind,
        "uco-core:description": [one.sentence],
        "uco-action:performer": {"@id": _id("identity", one.actor)},
        "uco-action:startTime": time,
        "uco-action:endTime": time,
    }
