"""Originals: the store has each that the ledger names, bit for bit, and nothing unexplained."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.utils import timezone

from archive import fixity, store
from archive.audits.examination import Examination, Original, failed
from archive.models.stored_object import StoredObject
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, UNREADABLE, Finding

_BATCH = 500  # rows asked for by name at a time


def originals_are_as_taken_in(at: Examination) -> Iterator[Finding]:
    """Each original that the ledger names is in the store, bit for bit."""
    left = dict(at.originals)
    faults = 0
    done = at.end
    total = done + StoredObject.objects.count()
    for row in _kept(at):
        said = left.pop(row.sha256, None)
        for finding in _original(row, said, at):
            faults += finding.outcome in {FAILED, UNREADABLE}
            yield finding
        if at.full:
            done += 1
            at.progress(done, max(total, done))
    for sha256, said in sorted(left.items()):
        if said.seq < at.end:
            faults += 1
            yield failed(
                "original-missing",
                f"original sha256:{sha256}",
                f"entry {said.seq} took it in; the store's table does not name it",
            )
    number = len(at.originals)
    if not at.full:
        yield Finding(
            "originals-unread",
            NOT_CHECKED,
            f"{number} originals",
            "they were not read back: a changed or missing file would not be seen",
        )
    elif number and not faults:
        yield Finding("originals-intact", PASSED, f"{number} originals", "bit for bit")


def _kept(at: Examination) -> Iterator[StoredObject]:
    """Give the store's rows; those of the entries that were read, unless all were."""
    if not at.start:
        yield from StoredObject.objects.order_by("sha256").iterator()
        return
    named = sorted(at.originals)
    for begin in range(0, len(named), _BATCH):
        some = named[begin : begin + _BATCH]
        yield from StoredObject.objects.filter(sha256__in=some).order_by("sha256")


def _original(row: StoredObject, said: Original | None, at: Examination) -> Iterator[Finding]:
    subject = f"original sha256:{row.sha256}"
    if said is None:
        yield Finding("original-unrecorded", NOT_CHECKED, subject, "no entry says how it came in")
    else:
        for name in ("sha512", "size", "crc32"):
            shown, told = getattr(row, name), getattr(said, name)
            if shown != told:
                detail = f"shows {shown}; entry {said.seq} says {told}"
                yield failed("stored-row-altered", f"{subject} column {name}", detail)
    if not at.full:
        return
    recorded = (said.sha512, said.size) if said else None  # the row may have been altered
    result = (
        fixity.check(row, now=timezone.now(), said=recorded)
        if at.notes
        else fixity.compare(row, recorded)
    )
    if result.outcome == StoredObject.Fixity.UNREADABLE:
        yield Finding("original-unreadable", UNREADABLE, subject, result.detail)
    elif result.outcome != StoredObject.Fixity.INTACT:
        found = f"sha256:{result.found} lies there" if result.found else ""
        yield failed(f"original-{result.outcome}", subject, result.detail or found)
    elif result.again:
        yield Finding("original-read-again", PASSED, subject, result.detail)


def store_holds_nothing_else(at: Examination) -> Iterator[Finding]:
    """Whatever lies in the store is an original that a row names, or belongs to one.

    Intact bytes that no row names are what a crash before the commit leaves, or what a newer
    database took in.  They are named; nothing is wrong with what was recorded.
    """
    if not at.full or at.start:
        return
    faults = 0
    total = 0
    try:
        for some in _some(store.survey()):
            total += len(some)
            for finding in _unexpected(some):
                faults += finding.outcome != NOT_CHECKED
                yield finding
    except store.StoreError as error:
        yield Finding("store-unlisted", UNREADABLE, "the store", str(error))
        return
    if total and not faults:
        yield Finding("store-holds-nothing-else", PASSED, f"{total} names in the store")


def _some(lying: Iterator[store.Lying]) -> Iterator[list[store.Lying]]:
    while some := list(islice(lying, _BATCH)):
        yield some


def _unexpected(some: list[store.Lying]) -> Iterator[Finding]:
    named = {one.sha256 for one in some if one.sha256}
    # Rows are asked for after the names: what comes in meanwhile has its row by then, or is found
    # as one whose acknowledgement is still to come.
    rows = set(StoredObject.objects.filter(sha256__in=named).values_list("sha256", flat=True))
    for one in some:
        if one.fault:
            yield failed("store-foreign", f"store {one.path}", one.fault)
        elif one.sha256 not in rows and not one.item:  # who knows the items looks at sidecars
            yield _orphan(one)


def _orphan(one: store.Lying) -> Finding:
    result = store.check(one.sha256)
    subject = f"original sha256:{one.sha256}"
    if result.outcome == StoredObject.Fixity.INTACT:
        return Finding(
            "original-orphaned",
            NOT_CHECKED,
            subject,
            f"{result.size} intact bytes that no row names: an upload that was never "
            "acknowledged, or one that a newer database took in",
        )
    if result.outcome == StoredObject.Fixity.UNREADABLE:
        return Finding("original-unreadable", UNREADABLE, subject, result.detail)
    found = f"no row names it, and sha256:{result.found} lies there"
    return failed("store-foreign", f"store {one.path}", found if result.found else result.detail)
