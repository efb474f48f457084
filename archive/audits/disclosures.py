"""Personal values: each is the one whose digest an entry holds, or an entry says it was erased."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Q

from archive import data_keys, disclosures
from archive.audits.examination import Examination, erased_by, failed
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry
from archive.proof.entries import Entry as Written
from archive.proof.entries import open_disclosure
from archive.proof.errors import BrokenError, ProofError
from archive.proof.events import DisclosureErased
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Finding

_BATCH = 500  # digests asked for at a time
_A_MOMENT = 1.0  # seconds from an erasure's commit to the end of its key, at most


def disclosures_belong_to_entries(at: Examination) -> Iterator[Finding]:
    """Each personal value is the one whose digest an entry holds, or an entry says it was erased.

    One that was erased and is held again came back with an older database.
    """
    left = dict(at.digests)
    faults = held = unread = 0
    erased: dict[str, str] = {}
    for row in _values(at):
        place = left.pop(row.digest, None)
        subject = f"value {row.name} of entry {row.entry_seq}"
        try:
            fault = _erased_fault(at, row) if row.entry_seq < at.start else _fault(at, row, place)
        except data_keys.DataKeyMissingError:
            unread += 1
            continue
        if fault:
            faults += 1
            yield failed("disclosure-altered", subject, fault)
        elif row.text is None:
            erased[row.digest] = subject
        held += row.text is not None
    for finding in (*_without_a_row(at, left), *_with_a_key(erased)):
        faults += finding.outcome == FAILED
        yield finding
    if unread:
        yield Finding(
            "disclosures-hold",
            NOT_CHECKED,
            f"{unread} personal values",
            f"their keys are not in {settings.KEYS_DIR}: one that was replaced is not seen",
        )
    elif held and not faults:
        yield Finding("disclosures-hold", PASSED, f"{held} personal values", "are as recorded")


def _without_a_row(at: Examination, left: dict[str, tuple[int, str | None]]) -> Iterator[Finding]:
    """Say which digests of entries have no value beside them, not even an erased one."""
    for digest, (seq, _) in sorted(left.items(), key=lambda pair: (pair[1][0], pair[0])):
        if seq < at.end and digest not in at.lost:
            yield failed("disclosure-missing", f"a value of entry {seq}", f"its digest is {digest}")
    for seq in sorted({at.lost[digest] for digest in left.keys() & at.lost.keys()}):
        yield Finding(
            "disclosures-lost",
            NOT_CHECKED,
            "personal values",
            f"some were lost with an older database; entry {seq} says which",
        )


def _with_a_key(erased: dict[str, str]) -> Iterator[Finding]:
    """Say which erased values could be read in an older copy of the database.

    A value that was erased a moment ago may lose its key only now.
    """
    kept = data_keys.kept(erased)
    if kept:
        time.sleep(_A_MOMENT)
        kept = data_keys.kept(kept)
    for digest in kept:
        yield failed("key-of-erased", erased[digest], "its key is still there; see data_keys")


def _values(at: Examination) -> Iterator[Disclosure]:
    """Give the values of the entries that are read, and of others what any entry erases."""
    rows = Disclosure.objects.filter(log=at.log).order_by("pk")
    yield from rows.filter(entry_seq__gte=at.start).iterator()
    if at.start:
        erased = sorted(at.erased)
        for first in range(0, len(erased), _BATCH):
            some = Q(digest__in=erased[first : first + _BATCH])
            yield from rows.filter(some, entry_seq__lt=at.start)


def _fault(at: Examination, row: Disclosure, place: tuple[int, str | None] | None) -> str | None:
    if place is None and row.entry_seq >= at.end:
        return None  # recorded while the audit ran
    if place is None or place[0] != row.entry_seq:
        return "no such digest stands in that entry"
    if row.item != place[1]:
        return f"it is shown with item {row.item}; its entry is of item {place[1]}"
    if row.text is None or row.digest in at.erased or row.erased_by is not None:
        return _erased_fault(at, row)
    return _text_fault(at, row)


def _erased_fault(at: Examination, row: Disclosure) -> str | None:
    """Say what is amiss with a value that is erased, by the row or by an entry."""
    seq = at.erased.get(row.digest)
    if seq is None and row.text is None:
        seq = _erased_meanwhile(at, row)
    if row.text is not None:
        if seq is not None:
            return f"entry {seq} erased it, and it is held"
        return f"it is held, and shown as erased by entry {row.erased_by}"
    if seq is None:
        return "it is empty, and no entry says that it was erased"
    if row.erased_by != seq:
        return f"it is shown as erased by entry {row.erased_by}; entry {seq} erased it"
    return None


def _erased_meanwhile(at: Examination, row: Disclosure) -> int | None:
    """Return the entry that erased the value while the audit ran; None when none did."""
    later = Entry.objects.filter(log=at.log, seq__gte=at.end, kind=DisclosureErased.kind)
    for one in later.order_by("seq").iterator():
        if row.digest in erased_by(Written.decode(one.body.encode())):
            return one.seq
    return None


def _text_fault(at: Examination, row: Disclosure) -> str | None:
    try:
        text = disclosures.text_of(row)
        if text is None:
            if _erased_meanwhile(at, row) is not None:
                return None
            return "its key was destroyed, and no entry says that it was erased"
        _, name, _ = open_disclosure(text)
    except BrokenError:
        return "it was changed"
    except ProofError as error:
        return str(error)
    return None if name == row.name else f"it was recorded as {name}"
