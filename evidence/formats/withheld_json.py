"""``withheld.json``: what the bundle does not hold, why, and what binds the archive to it."""

from __future__ import annotations

import json

from evidence.formats.item_json import plain
from evidence.formats.records import BundleRecord

FORMAT = 1


def render(bundle: BundleRecord) -> bytes:
    """Return the file's bytes: UTF-8, LF, members sorted; the items in their order."""
    document = {
        "format": FORMAT,
        "profile": bundle.profile,
        **({"profile_rules": bundle.profile_rules} if bundle.profile_rules else {}),
        "how_to_request": bundle.contact or bundle.organisation,
        "withheld": [
            {
                "item": item.item,
                "exhibit_number": item.exhibit_number,
                "kind": one.kind,
                "what": one.what,
                "file": one.file or None,
                "size": one.size,
                "commitment": one.commitment,
                "reason": one.reason,
                "legal_basis": one.statute or None,
                "decided_by": one.decided_by or None,
                "decided_at": bundle.created_at.isoformat(),
            }
            for item in bundle.items
            for one in item.withheld
        ],
    }
    text = json.dumps(plain(document), ensure_ascii=False, sort_keys=True, indent=1)
    return text.encode() + b"\n"
