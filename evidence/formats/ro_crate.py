"""``ro-crate-metadata.json``: the bundle's payload as an RO-Crate 1.2 for research repositories.

Each exhibit is a ``Dataset`` with its files.  What is withheld is no ``File`` (a crate has the
files that it lists) but a ``CreativeWork`` that the exhibit mentions, with how to get access.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from evidence.formats import json_ld
from evidence.formats.records import BundleRecord, FileRecord, ItemRecord

CONTEXT = "https://w3id.org/ro/crate/1.2/context"
PROFILE = "https://w3id.org/ro/crate/1.2"
PRONOM = "https://www.nationalarchives.gov.uk/PRONOM/"
ARCHIVE, EXPORT, SOFTWARE, TERMS = "#archive", "#export", "#software", "#terms-of-use"
TERMS_IN_WORDS = (
    "For the recipient and the purpose that the custody ledger names. People in this material are "
    "protected by international humanitarian law: they must not be exposed to public curiosity."
)


def render(bundle: BundleRecord) -> bytes:
    """Return the file's bytes: UTF-8, LF, entities in a fixed order."""
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": PROFILE},
            "about": {"@id": "./"},
        },
        _root(bundle),
        {
            "@id": ARCHIVE,
            "@type": "Organization",
            "name": bundle.organisation,
            **({"email": bundle.contact} if bundle.contact else {}),
        },
        {
            "@id": SOFTWARE,
            "@type": "SoftwareApplication",
            "name": "Muniment",
            "url": "https://muniment.invalid/",
            "version": "0.1.0",
        },
        {
            "@id": TERMS,
            "@type": "CreativeWork",
            "name": "Terms of use",
            "description": TERMS_IN_WORDS,
        },
        {
            "@id": EXPORT,
            "@type": "CreateAction",
            "name": "Export of the bundle",
            "agent": {"@id": ARCHIVE},
            "instrument": {"@id": SOFTWARE},
            "endTime": _time(bundle),
            "result": {"@id": "./"},
        },
        *(entity for item in bundle.items for entity in _item(item)),
        *_formats(bundle),
    ]
    return json_ld.document(CONTEXT, graph)


def _time(bundle: BundleRecord) -> str:
    return bundle.created_at.astimezone(UTC).isoformat(timespec="seconds")


def _root(bundle: BundleRecord) -> dict[str, Any]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "identifier": f"urn:uuid:{bundle.identifier}",
        "name": f"Evidence bundle {bundle.identifier}",
        "description": f"{len(bundle.items)} items of evidence with their custody",
        "datePublished": _time(bundle),
        "license": {"@id": TERMS},
        "publisher": {"@id": ARCHIVE},
        "mentions": [{"@id": EXPORT}],
        "hasPart": [{"@id": _folder(item)} for item in bundle.items],
    }


def _folder(item: ItemRecord) -> str:
    return f"evidence/{item.folder}/"


def _item(item: ItemRecord) -> Iterator[dict[str, Any]]:
    withheld = [
        {
            "@id": f"#withheld-{item.folder}-{number}",
            "@type": "CreativeWork",
            "name": f"{item.exhibit_number}: {one.what}, withheld",
            "conditionsOfAccess": one.reason,
        }
        for number, one in enumerate(item.withheld, start=1)
    ]
    dataset: dict[str, Any] = {
        "@id": _folder(item),
        "@type": "Dataset",
        "name": f"{item.exhibit_number} {item.title}".strip(),
        "identifier": item.exhibit_number,
        "description": str(item.catalogue.get("description") or item.kind),
        "additionalType": item.kind,
        "hasPart": [{"@id": _folder(item) + file.path} for file in item.files],
    }
    if withheld:
        dataset["mentions"] = [{"@id": one["@id"]} for one in withheld]
    yield dataset
    for file in item.files:
        yield _file(item, file)
    yield from withheld


def _file(item: ItemRecord, file: FileRecord) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "@id": _folder(item) + file.path,
        "@type": "File",
        "name": file.path.rpartition("/")[2],
        "identifier": f"urn:uuid:{file.file}",
        "contentSize": str(file.size),
        "sha256": file.sha256,
    }
    formats: list[Any] = [file.media_type] if file.media_type else []
    if file.pronom:
        formats.append({"@id": PRONOM + file.pronom})
    if formats:
        entity["encodingFormat"] = formats if len(formats) > 1 else formats[0]
    if file.derivation:
        entity["description"] = f"{file.derivation} of {file.derived_from}, by {file.tool}"
    return entity


def _formats(bundle: BundleRecord) -> list[dict[str, Any]]:
    known = {file.pronom for item in bundle.items for file in item.files if file.pronom}
    return [
        {"@id": PRONOM + pronom, "@type": "WebPage", "name": f"PRONOM {pronom}"}
        for pronom in sorted(known)
    ]
