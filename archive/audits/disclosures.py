"""Personal values: each is the one whose digest an entry holds, or was erased."""

from __future__ import annotations

from collections.abc import Iterator

from archive.audits.examination import Examination, failed
from archive.models.disclosure import Disclosure
from archive.proof.entries import disclosure_digest, open_disclosure
from archive.proof.errors import ProofError
from archive.proof.report import PASSED, Finding


def disclosures_belong_to_entries(at: Examination) -> Iterator[Finding]:
    """Each personal value is the one whose digest an entry holds, or was erased."""
    left = dict(at.digests)
    faults = held = 0
    rows = Disclosure.objects.filter(log=at.log, entry_seq__gte=at.start).order_by("pk")
    for row in rows.iterator():
        subject = f"value {row.name} of entry {row.entry_seq}"
        fault = _disclosure_fault(at, row, left.pop(row.digest, None))
        if fault:
            faults += 1
            yield failed("disclosure-altered", subject, fault)
        held += row.text is not None
    for digest, (seq, _) in sorted(left.items(), key=lambda pair: (pair[1][0], pair[0])):
        if seq < at.end:
            faults += 1
            yield failed("disclosure-missing", f"a value of entry {seq}", f"its digest is {digest}")
    if held and not faults:
        yield Finding("disclosures-hold", PASSED, f"{held} personal values", "are as recorded")


def _disclosure_fault(
    at: Examination, row: Disclosure, place: tuple[int, str | None] | None
) -> str | None:
    if row.entry_seq >= at.end:
        return None  # recorded while the audit ran
    if place is None or place[0] != row.entry_seq:
        return "no such digest stands in that entry"
    if row.item != place[1]:
        return f"it is shown with item {row.item}; its entry is of item {place[1]}"
    return None if row.text is None else _text_fault(row, row.text)


def _text_fault(row: Disclosure, text: str) -> str | None:
    try:
        if disclosure_digest(text) != row.digest:
            return "it was changed"
        _, name, _ = open_disclosure(text)
    except ProofError as error:
        return str(error)
    return None if name == row.name else f"it was recorded as {name}"
