"""``item.json``: everything that leaves about one item, for machines and patient people.

Format 1 (docs/formats/bundle.md).  Member order and spelling are fixed, so that one record gives
one sequence of bytes.  Numbers with a fraction are strings: readers round numbers in different
ways, and a coordinate that was rounded is another place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evidence.formats.records import FileRecord, ItemRecord

FORMAT = 1
LARGEST_INTEGER = 2**53 - 1  # beyond this, JSON readers disagree (RFC 8259 section 6)


def render(item: ItemRecord) -> bytes:
    """Return the file's bytes: UTF-8, LF, members sorted."""
    document = {
        "format": FORMAT,
        "item": item.item,
        "exhibit_number": item.exhibit_number,
        "kind": item.kind,
        "title": item.title,
        "case": item.case,
        "catalogue": plain(item.catalogue),
        "acquisition": plain(item.acquisition),
        "said": plain(item.said),
        "files": [_file(file) for file in item.files],
        "withheld": [{"what": one.what, "reason": one.reason} for one in item.withheld],
    }
    text = json.dumps(plain(document), ensure_ascii=False, sort_keys=True, indent=1)
    return text.encode() + b"\n"


def _file(file: FileRecord) -> dict[str, Any]:
    return {
        "file": file.file,
        "path": file.path,
        "role": file.role,
        "original_filename": file.original_filename,
        # Two names can look the same and differ; hexadecimal cannot.
        "original_filename_hex": _raw(file.original_filename).hex(),
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.sha256,
        "sha512": file.sha512,
        "reported": {
            "md5": file.md5,
            "sha1": file.sha1,
            **({"blake3": file.blake3} if file.blake3 else {}),
        },
        "declared_hash": file.declared_hash,
        "declared_match": file.declared_match,
        **(
            {
                "derived_from": file.derived_from,
                "derivation": file.derivation,
                "tool": file.tool,
            }
            if file.derivation
            else {}
        ),
        "analyses": [plain(one) for one in file.analyses],
    }


def plain(value: Any) -> Any:
    """Return ``value`` as JSON without fractions, huge integers, or text that is not Unicode."""
    if isinstance(value, Mapping):
        return {_text(str(name)): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return value
    return _text(str(value))


def _text(value: str) -> str:
    """Bytes of a name that are no UTF-8 show as U+FFFD; the hexadecimal beside keeps them."""
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _raw(name: str) -> bytes:
    """Return a name's bytes as the file system had them."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")
