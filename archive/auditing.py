"""The audit: everything in the database and the store held against the ledger's own bytes.

An entry's bytes give its leaf, the leaves the tree, the tree the roots that were signed; what is
shown is compared with the bytes, and the originals are read back.  A report names each entry,
column, file or trigger that is not as it was recorded, and says what was not looked at.  What the
signer and the anchors remember is outside the database, so an audit also finds lost entries and
history that was rewritten with every guard off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.db import DatabaseError, connection

from archive import custody, guards
from archive.audits.cosignatures import witnesses_have_cosigned
from archive.audits.disclosures import disclosures_belong_to_entries
from archive.audits.entries import entries_are_as_recorded
from archive.audits.examination import Examination, Progress, failed, say_nothing
from archive.audits.originals import originals_are_as_taken_in, store_holds_nothing_else
from archive.audits.resuming import begins_where_it_was_verified
from archive.audits.signatures import checkpoints_are_signed, outside_agrees
from archive.audits.timestamps import entries_stand_in_certified_time
from archive.audits.work import work_is_counted
from archive.proof.errors import ProofError
from archive.proof.events import LedgerVerified
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Finding, Report, gather

MOST_FINDINGS = 100  # of one code; a report stays readable however much is damaged


def audit(
    *,
    full: bool = True,
    goes_on: bool = False,
    actor: custody.Actor = custody.ARCHIVE,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check the whole ledger, and every original unless ``full`` is false; record that it was done.

    One that ``goes_on`` reads only what came after the last audit that found nothing wrong, from a
    signed tree on; it reads everything when there is none.  ``progress`` is called with entries and
    originals done and to do.  Raises NotOpenedError.
    """
    report = examine(full=full, goes_on=goes_on, progress=progress, notes=True, most=MOST_FINDINGS)
    try:
        with custody.recording(actor=actor, now=now) as record:
            record.add(
                LedgerVerified(
                    outcome=str(report.verdict),
                    size=report.facts["log_size"],
                    checked=_codes(report, PASSED),
                    not_checked=_codes(report, NOT_CHECKED),
                )
            )
    # A damaged ledger may refuse the entry by its own guards: the report is then all there is.
    except (custody.CustodyError, ProofError, DatabaseError) as error:
        unrecorded = Finding("audit-unrecorded", FAILED, "this audit", str(error))
        return gather(report.subject, (*report.findings, unrecorded), **report.facts)
    return report


def examine(
    *,
    full: bool = True,
    goes_on: bool = False,
    progress: Progress | None = None,
    notes: bool = False,
    most: int | None = None,
) -> Report:
    """Make the audit's checks and write nothing at all, unless ``notes`` of readings are wanted.

    The answer depends on the store, the database, and what is remembered outside it.  ``most``
    findings of one code are given, all of them when None.  Raises NotOpenedError.
    """
    log = custody.the_log()
    at = Examination(
        log=log, full=full, goes_on=goes_on, progress=progress or say_nothing, notes=notes
    )
    found: list[Finding] = []
    for check in CHECKS:
        found.extend(_bounded(check(at), most))
    for further in _FURTHER:
        found.extend(_bounded(further(full), most))
    return gather(f"the ledger {log.origin}", found, log=log.origin, log_size=at.end, **at.facts)


#: Checks of those who stand on the archive and can compare what they hold with the ledger.
Further = Callable[[bool], Iterable[Finding]]  # told whether originals are read
_FURTHER: list[Further] = []


def also(check: Further) -> None:
    """Have every audit make ``check``, too.  Called once, when the applications are set up."""
    if check not in _FURTHER:
        _FURTHER.append(check)


def _codes(report: Report, outcome: str) -> tuple[str, ...]:
    return tuple(sorted({finding.code for finding in report.of(outcome)}))


def _bounded(findings: Iterable[Finding], most: int | None) -> Iterator[Finding]:
    made: Counter[str] = Counter()
    outcomes: dict[str, str] = {}
    for finding in findings:
        made[finding.code] += 1
        outcomes[finding.code] = finding.outcome
        if most is None or made[finding.code] <= most:
            yield finding
    for code, number in made.items():
        if most is not None and number > most:
            yield Finding("more-findings", outcomes[code], code, f"{number - most} more like these")


def guards_are_in_place(_at: Examination) -> Iterator[Finding]:
    """The triggers that refuse changes are there, word for word."""
    lacking = guards.missing(connection)
    for name in lacking:
        yield failed("guard-missing", f"trigger {name}", "is not there or was changed")
    if not lacking:
        yield Finding("guards-in-place", PASSED, "triggers", "refuse changes to the ledger")


Check = Callable[[Examination], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    guards_are_in_place,
    begins_where_it_was_verified,
    entries_are_as_recorded,
    checkpoints_are_signed,
    outside_agrees,
    witnesses_have_cosigned,
    disclosures_belong_to_entries,
    originals_are_as_taken_in,
    store_holds_nothing_else,
    entries_stand_in_certified_time,
    work_is_counted,
)
