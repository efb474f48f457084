"""Originals: the store has each that the ledger names, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from archive import fixity
from archive.audits.examination import Examination, Original, failed
from archive.models.stored_object import StoredObject
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Finding

_BATCH = 500  # rows asked for by name at a time


def originals_are_as_taken_in(at: Examination) -> Iterator[Finding]:
    """Each original that the ledger names is in the store, bit for bit."""
    left = dict(at.originals)
    faults = 0
    done = at.end
    total = done + StoredObject.objects.count()
    for row in _kept(at):
        said = left.pop(row.sha256, None)
        for finding in _original(row, said, full=at.full):
            faults += finding.outcome == FAILED
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


def _original(row: StoredObject, said: Original | None, *, full: bool) -> Iterator[Finding]:
    subject = f"original sha256:{row.sha256}"
    if said is None:
        yield Finding("original-unrecorded", NOT_CHECKED, subject, "no entry says how it came in")
    else:
        for name in ("sha512", "size", "crc32"):
            shown, recorded = getattr(row, name), getattr(said, name)
            if shown != recorded:
                detail = f"shows {shown}; entry {said.seq} says {recorded}"
                yield failed("stored-row-altered", f"{subject} column {name}", detail)
    if full:
        result = fixity.check(row, now=timezone.now())
        if result.outcome != StoredObject.Fixity.INTACT:
            found = f"sha256:{result.found} lies there" if result.found else result.detail
            yield failed(f"original-{result.outcome}", subject, found)
