"""What third parties certified about time, and that the entries' own times do not contradict it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from archive import timestamping
from archive.audits.examination import Examination, failed
from archive.models.checkpoint import Checkpoint, TimestampToken
from archive.models.ledger import Entry
from archive.proof import timestamps
from archive.proof.entries import Entry as Written
from archive.proof.entries import format_time
from archive.proof.errors import ProofError
from archive.proof.events import CheckpointTimestamped
from archive.proof.report import NOT_CHECKED, PASSED, UNREADABLE, Finding


@dataclass(frozen=True)
class _Stamp:
    """A token that holds: what was there at its time, and what came after it."""

    size: int  # entries that were there
    entry_seq: int  # what follows this entry was not
    time: datetime
    slack: timedelta


def entries_stand_in_certified_time(at: Examination) -> Iterator[Finding]:
    """Each token is its authority's and about its checkpoint; no entry's time contradicts one."""
    try:
        known = {each.name: each for each in timestamping.authorities()}
    except timestamping.TimestampingError as error:
        yield Finding("time-authorities-unreadable", UNREADABLE, "time authorities", str(error))
        return
    recorded = _recorded(at)
    stamps: list[_Stamp] = []
    strange: set[str] = set()
    for row in TimestampToken.objects.order_by("pk").iterator():
        checkpoint = Checkpoint.objects.filter(pk=row.checkpoint_id).first()
        if checkpoint is None:
            yield failed("token-altered", f"token {row.pk}", "of no checkpoint")
            continue
        if checkpoint.log_id != at.log.pk:
            continue
        subject = f"token {row.pk} of the checkpoint at {checkpoint.size}"
        fault = _fault(row, checkpoint, recorded.pop(row.entry_seq, None))
        if not fault and row.authority not in known:
            strange.add(row.authority)
            continue
        try:
            fault = fault or timestamping.not_signed(
                checkpoint.note, bytes(row.tsr), known[row.authority]
            )
        except timestamping.TimestampingError as error:
            yield Finding("time-authorities-unreadable", UNREADABLE, subject, str(error))
            continue
        if fault:
            yield failed("token-altered", subject, fault)
            continue
        stamps.append(_stamp(row, checkpoint))
    yield from _without_a_token(at, recorded)
    for name in sorted(strange):
        yield Finding(
            "token-not-checked",
            NOT_CHECKED,
            f"tokens of {name}",
            "MUNIMENT_TIME_AUTHORITIES names no authority of that name: what it certified does not "
            "count (attack 10)",
        )
    yield from _agree(at, stamps)


def _without_a_token(at: Examination, recorded: dict[int, Written]) -> Iterator[Finding]:
    for seq in sorted(recorded):
        if any(seq in places for places in at.restored):
            detail = "the token that it records was lost with an older database (attack 10)"
            yield Finding("token-lost", NOT_CHECKED, f"entry {seq}", detail)
        else:
            yield failed("token-missing", f"entry {seq}", "records a token that is not there")


def _stamp(row: TimestampToken, checkpoint: Checkpoint) -> _Stamp:
    slack = timestamps.parse_response(bytes(row.tsr)).accuracy + timestamping.CLOCKS_DIFFER
    return _Stamp(checkpoint.size, row.entry_seq, row.gen_time, slack)


def _recorded(at: Examination) -> dict[int, Written]:
    """Return what the log says of its tokens, by the entry's place."""
    found = {}
    rows = Entry.objects.filter(log=at.log, kind=CheckpointTimestamped.kind)
    for seq, body in rows.values_list("seq", "body").iterator():
        try:
            found[seq] = Written.decode(body.encode())
        except ProofError:
            continue  # named where the entries are read
    return found


def _fault(row: TimestampToken, checkpoint: Checkpoint, said: Written | None) -> str:
    try:
        token = timestamps.parse_response(bytes(row.tsr))
    except ProofError as error:
        return str(error)
    if token.gen_time != row.gen_time:
        return f"shows the time {format_time(row.gen_time)}, not {format_time(token.gen_time)}"
    if said is None:
        return f"entry {row.entry_seq} does not record it"
    expected = {
        "size": checkpoint.size,
        "tsa": row.authority,
        "gen_time": format_time(token.gen_time),
        "tsr_sha256": sha256(bytes(row.tsr)).hexdigest(),
    }
    if dict(said.data) != expected:
        return f"entry {row.entry_seq} records another"
    return ""


def _agree(at: Examination, stamps: list[_Stamp]) -> Iterator[Finding]:
    """Times never go back, as was checked before: so the entries at the edges tell for all."""
    faults = 0
    for each in stamps:
        before, after = _time(at, each.size - 1), _time(at, each.entry_seq + 1)
        when = format_time(each.time)
        if before is not None and before > each.time + each.slack:
            faults += 1
            subject = f"entry {each.size - 1}"
            yield failed("time-contradicted", subject, f"was certified at {when}, before its time")
        if after is not None and after < each.time - each.slack:
            faults += 1
            subject = f"entry {each.entry_seq + 1}"
            yield failed("time-contradicted", subject, f"follows what was certified at {when}")
    covered = max((each.size for each in stamps), default=0)
    if stamps and not faults:
        yield Finding(
            "time-certified", PASSED, f"{covered} entries", f"{len(stamps)} tokens of third parties"
        )
    if covered < at.end:
        detail = "no third party has certified when entries were made (attack 10)"
        if not covered:
            yield Finding("time-unproven", NOT_CHECKED, "times", f"server clock only: {detail}")
            return
        subject = f"entries {covered} to {at.end - 1}"
        yield Finding("time-unproven", NOT_CHECKED, subject, f"server clock only yet: {detail}")


def _time(at: Examination, seq: int) -> datetime | None:
    body = Entry.objects.filter(log=at.log, seq=seq).values_list("body", flat=True).first()
    try:
        return None if body is None else Written.decode(body.encode()).time
    except ProofError:
        return None
