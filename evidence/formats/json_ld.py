"""JSON-LD with one node on each line: long graphs are read, compared and searched line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from evidence.formats.item_json import plain


def document(context: str | Mapping[str, str], nodes: Iterable[Mapping[str, Any]]) -> bytes:
    """Return ``{"@context":…,"@graph":[`` and ``]}`` around the nodes, in UTF-8."""
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
    lines = ",\n".join(encode(plain(node)) for node in nodes)
    return f'{{"@context":{encode(context)},"@graph":[\n{lines}\n]}}\n'.encode()
