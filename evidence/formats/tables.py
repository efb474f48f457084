"""Tables of the bundle for spreadsheets (CSV, RFC 4180) and for programs (JSON Lines).

A cell that a spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evidence.formats.item_json import plain
from evidence.formats.records import BundleRecord

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BOM = "\ufeff"  # without it, spreadsheets read Cyrillic and Hangul in some other encoding
ITEMS = ("exhibit_number", "item", "case", "kind", "title", "level", "files", "withheld")
FILES = (
    "exhibit_number", "file", "path", "role", "original_filename", "media_type", "pronom", "size",
    "sha256", "sha512", "derived_from", "derivation",
)  # fmt: skip
CUSTODY = ("exhibit_number", "entry", "time", "kind", "sentence", "actor", "leaf")


def render(bundle: BundleRecord) -> Mapping[str, bytes]:
    """Return the tables by their paths below ``data/``."""
    tables = {
        "items": (ITEMS, list(_items(bundle))),
        "files": (FILES, list(_files(bundle))),
        "custody": (CUSTODY, list(_custody(bundle))),
    }
    made = {}
    for name, (columns, rows) in tables.items():
        made[f"tables/{name}.csv"] = _csv(columns, rows)
        made[f"tables/{name}.jsonl"] = _json_lines(rows)
    return made


def _items(bundle: BundleRecord) -> Iterator[dict[str, Any]]:
    for item in bundle.items:
        yield {
            "exhibit_number": item.exhibit_number,
            "item": item.item,
            "case": item.case,
            "kind": item.kind,
            "title": item.title,
            "level": item.catalogue.get("level"),
            "files": len(item.files),
            "withheld": len(item.withheld),
        }


def _files(bundle: BundleRecord) -> Iterator[dict[str, Any]]:
    for item in bundle.items:
        for file in item.files:
            row = {name: getattr(file, name, None) for name in FILES}
            row |= {
                "exhibit_number": item.exhibit_number,
                "path": f"data/evidence/{item.folder}/{file.path}",
            }
            yield row


def _custody(bundle: BundleRecord) -> Iterator[dict[str, Any]]:
    for item in bundle.items:
        for one in item.history:
            yield {
                "exhibit_number": item.exhibit_number,
                "entry": one.seq,
                "time": one.time,
                "kind": one.kind,
                "sentence": one.sentence,
                "actor": one.actor,
                "leaf": one.leaf,
            }


def _csv(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL)
    names = list(columns)
    writer.writerow(names)
    writer.writerows([cell(row[name]) for name in names] for row in rows)
    return (BOM + sink.getvalue()).encode("utf-8", "replace")


def cell(value: Any) -> str:
    """Return a cell's text; nothing in it is ever a formula."""
    text = "" if value is None else str(plain(value))
    return f"'{text}" if text.startswith(FORMULA) else text


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    lines = (json.dumps(plain(row), ensure_ascii=False, sort_keys=True) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()
