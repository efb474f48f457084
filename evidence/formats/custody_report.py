"""``report/custody-report.*.pdf``: custody on paper, in English, Ukrainian and Korean (PDF/A-3a).

A pure function of what it is given; ``paper`` has it set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evidence.formats import paper, report_words
from evidence.formats.item_json import plain
from evidence.formats.records import BundleRecord, FileRecord, HistoryRecord, ItemRecord
from evidence.formats.showing import one_line

TEMPLATE = "custody_report.typ"
MOST_ROWS = 3000  # files, entries and things withheld, or exhibits, in one report
HALF = 32  # digits of a digest on a line


def render(bundle: BundleRecord) -> Mapping[str, bytes]:
    """Return the report in each language by its path below ``data/``."""
    return {
        f"report/custody-report.{language}.pdf": report(bundle, language)
        for language in report_words.LANGUAGES
    }


def report(bundle: BundleRecord, language: str) -> bytes:
    """Return the report in one language: everything, or a summary where that is too much."""
    words = report_words.WORDS[language]
    return paper.typeset(
        TEMPLATE,
        {
            "title": words["title"],
            "intro": words["what_it_is"],
            "limits": words["limits_text"],
            "foot": bundle.identifier,
            "about": _about(bundle, words),
            "fingerprint": bundle.key_fingerprint,
            **_exhibits(bundle, language),
        },
        language,
        bundle.created_at,
    )


def extract(
    entries: Sequence[HistoryRecord],
    *,
    language: str,
    origin: str,
    filters: Mapping[str, str],
    now: datetime,
) -> bytes:
    """Return entries of the ledger as a report of their own, with the filters that left them."""
    words = report_words.WORDS[language]
    asked = [(report_words.field(name, language), value) for name, value in filters.items()]
    about = [
        (words["ledger"], origin),
        (words["made_at"], _seconds(now)),
        *(asked or [(words["filters"], words["everything"])]),
        (words["custody"], words["entries"].format(count=len(entries))),
    ]
    rows = [_entry(one, language) for one in entries]
    return paper.typeset(
        TEMPLATE,
        {
            "title": words["extract"],
            "intro": words["extract_is"],
            "limits": words["extract_limits"],
            "foot": origin,
            "about": [(name, paper.shown(one_line(value))) for name, value in about],
            "exhibits": [],
            "summary": [],
            "history": rows,
        },
        language,
        now,
    )


def _about(bundle: BundleRecord, words: Mapping[str, str]) -> list[tuple[str, str]]:
    rows = [
        ("bundle", bundle.identifier),
        ("organisation", bundle.organisation),
        ("contact", bundle.contact),
        ("made_at", _seconds(bundle.created_at)),
        ("recipient", bundle.recipient),
        ("purpose", bundle.purpose),
        ("exhibits", str(len(bundle.items))),
        ("ledger", f"{bundle.origin}, {words['entries'].format(count=bundle.log_size)}"),
    ]
    return [(words[name], paper.shown(one_line(value))) for name, value in rows if value]


def _seconds(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _exhibits(bundle: BundleRecord, language: str) -> dict[str, Any]:
    """Return the exhibits in full, or one row for each, or how it is that there are none."""
    rows = sum(len(item.files) + len(item.history) + len(item.withheld) for item in bundle.items)
    if rows <= MOST_ROWS:
        return {"exhibits": [_exhibit(item, language) for item in bundle.items], "summary": []}
    if len(bundle.items) <= MOST_ROWS:
        return {"exhibits": [], "summary": [_summed(item) for item in bundle.items]}
    return {"exhibits": [], "summary": []}


def _exhibit(item: ItemRecord, language: str) -> dict[str, Any]:
    words = report_words.WORDS[language]
    about = [(words["kind"], item.kind), (words["case"], item.case)]
    about += [
        (report_words.field(name, language), _said(value, language))
        for name, value in (*item.catalogue.items(), *item.acquisition.items())
    ]
    return {
        "number": paper.shown(item.exhibit_number),
        "title": paper.shown(one_line(item.title)),
        "about": [(name, paper.shown(value)) for name, value in about if value],
        "files": [_file(item, file, words) for file in item.files],
        "withheld": [
            [paper.shown(report_words.phrase(text, language)) for text in (one.what, one.reason)]
            for one in item.withheld
        ],
        "history": [_entry(one, language) for one in item.history],
    }


def _file(item: ItemRecord, file: FileRecord, words: Mapping[str, str]) -> dict[str, Any]:
    return {
        "path": paper.shown(f"evidence/{item.folder}/{file.path}"),
        "name": paper.shown(one_line(file.original_filename)),
        "size": words["bytes"].format(count=file.size),
        "sha256": [file.sha256[:HALF], file.sha256[HALF:]],
    }


def _entry(one: HistoryRecord, language: str) -> dict[str, Any]:
    sentence = report_words.sentence(one.kind, one.data, one.sentence, language)
    return {
        "seq": str(one.seq),
        "time": one.time.replace("T", " ").removesuffix("Z"),
        "sentence": paper.shown(sentence),
        "values": [
            paper.shown(f"{report_words.field(name, language)}: {_said(value, language)}")
            for name, value in one.values.items()
        ],
        "kind": one.kind,
        "actor": paper.shown(one.actor),
    }


def _summed(item: ItemRecord) -> tuple[str, ...]:
    times = [one.time.replace("T", " ")[:19] for one in item.history] or ["", ""]
    return (
        paper.shown(item.exhibit_number),
        str(len(item.files)),
        str(len(item.history)),
        times[0],
        times[-1],
    )


def _said(value: object, language: str) -> str:
    """Return a value of the catalogue; what is not known is not shown."""
    value = plain(value)
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return report_words.phrase("yes" if value else "no", language)
    if isinstance(value, list):
        return ", ".join(_said(part, language) for part in value)
    if isinstance(value, dict):
        parts = ((name, _said(part, language)) for name, part in value.items())
        return "; ".join(
            f"{report_words.field(name, language)}: {part}" for name, part in parts if part
        )
    return str(value)
