"""The list of items as a table for spreadsheets (RFC 4180): what the page's columns show."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from archive.proof.entries import format_time
from evidence.formats import tables
from evidence.models.item import EvidenceItem

COLUMNS = ("exhibit_number", "title", "kind", "case", "level", "status", "received", "item")
AT_ONCE = 1_000  # rows read with one query


def csv_lines(items: QuerySet[EvidenceItem]) -> Iterator[str]:
    """Give the table line by line, in the order of the list."""
    yield tables.BOM + _line(COLUMNS)
    for item in items.iterator(chunk_size=AT_ONCE):
        cells = (
            item.exhibit_number,
            item.title,
            item.kind,
            item.case.reference,
            item.effective_level,
            item.status,
            format_time(item.created_at),
            str(item.pk),
        )
        yield _line(tables.cell(one) for one in cells)


def _line(cells: Iterable[str]) -> str:
    sink = io.StringIO(newline="")
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerow(cells)
    return sink.getvalue()
