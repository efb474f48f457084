"""Copies of exactly the entries that an auditor's filters leave, for programs, tables and paper.

They hold what the ledger itself has of each entry and nothing personal: no value that stands
beside the ledger, no name of an actor.  A copy that leaves the house must not say more than that.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from archive.proof.entries import Entry as Written
from archive.proof.entries import format_time
from evidence import presenting
from evidence.formats import custody_report, tables
from evidence.formats.records import HistoryRecord
from evidence.models.case import Case

AT_ONCE = 500  # entries read with one query
COLUMNS = (
    "entry", "time", "kind", "sentence", "exhibit_number", "item", "actor", "data", "leaf",
)  # fmt: skip
FILTERS = ("case", "exhibit", "kind", "actor", "since", "until")


class TooManyError(Exception):
    """More entries than one file of this form should hold; the message says what to do."""


def csv_lines(query: presenting.LedgerQuery) -> Iterator[str]:
    """Give a table for spreadsheets (RFC 4180), line by line."""
    yield tables.BOM + _line(COLUMNS)
    for row in _rows(query):
        shown = {**row, "data": json.dumps(row["data"], ensure_ascii=False, sort_keys=True)}
        yield _line(tables.cell(shown[name]) for name in COLUMNS)


def json_lines(query: presenting.LedgerQuery) -> Iterator[str]:
    """Give JSON Lines; ``body`` is the entry's exact text, whose leaf hash stands beside it."""
    for row in _rows(query, exact=True):
        yield json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n"


def pdf(query: presenting.LedgerQuery, *, language: str, now: datetime) -> bytes:
    """Return the entries on paper.  Raises TooManyError."""
    number = presenting.ledger_entries(query).order_by()[: custody_report.MOST_ROWS + 1].count()
    if number > custody_report.MOST_ROWS:
        raise TooManyError(
            _(
                "On paper there is room for {MOST_ROWS:,} entries, and more fit these filters. "
                "Narrow them, or take CSV or JSON Lines."
            ).format(MOST_ROWS=custody_report.MOST_ROWS)
        )
    rows = tuple(
        HistoryRecord(
            seq=row["entry"],
            time=row["time"],
            actor=row["actor"],
            kind=row["kind"],
            sentence=row["sentence"],
            values={"exhibit": row["exhibit_number"]} if row["exhibit_number"] else {},
            data=row["data"],
        )
        for row in _rows(query)
    )
    return custody_report.extract(
        rows,
        language=language,
        origin=custody.head().origin,
        filters=_asked(query),
        now=now,
    )


def _rows(query: presenting.LedgerQuery, *, exact: bool = False) -> Iterator[dict[str, Any]]:
    entries, last = presenting.ledger_entries(query), -1
    while True:
        rows = list(entries.filter(seq__gt=last)[:AT_ONCE])
        if not rows:
            return
        exhibits = presenting.exhibits_of(row.item for row in rows)
        for row in rows:
            written = Written.decode(row.body.encode())
            yield {
                "entry": written.seq,
                "time": format_time(written.time),
                "kind": written.kind,
                "sentence": events.sentence_for(written.kind, written.data),
                "exhibit_number": exhibits.get(written.item or "", ""),
                "item": written.item or "",
                "actor": written.actor,
                "data": written.data,
                "leaf": bytes(row.leaf).hex(),
                **({"body": row.body} if exact else {}),
            }
        last = rows[-1].seq


def _asked(query: presenting.LedgerQuery) -> dict[str, str]:
    asked = {name: getattr(query, name) for name in FILTERS if getattr(query, name)}
    if "case" in asked:
        # What is no id of a case stands as it was asked.
        with suppress(Case.DoesNotExist, ValidationError):
            asked["case"] = Case.objects.get(pk=asked["case"]).reference
    return asked


def _line(cells: Any) -> str:
    sink = io.StringIO(newline="")
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerow(cells)
    return sink.getvalue()
