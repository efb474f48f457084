"""When a bundle's entries were made, as far as third parties answer for it (RFC 3161).

A token over a checkpoint says that all its entries were there at the authority's time: they were
made before.  The log recorded the token, and nobody knew its digest sooner: entries that follow
that record were made after.  Between the two each entry's own time must lie.  A token counts only
if an authority that the reader believes signed it; what the bundle says of its authorities is
advice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Optional, Union

from archive.proof import entries, merkle, notes, timestamps
from archive.proof.errors import BrokenError, ProofError
from archive.proof.examination import CUSTODY, Examination, Recorded, failed, passed
from archive.proof.report import NOT_CHECKED, Finding

STAMPS = CUSTODY + "timestamps/"
CLOCKS_DIFFER = timedelta(seconds=5)  # between the archive's and an authority's, unremarked
KIND = "checkpoint.timestamped"

_NAME = re.compile(r"(0|[1-9][0-9]{0,15})\.([a-z0-9][a-z0-9._-]{0,63})\.tsr", re.ASCII)


class _Stamp(NamedTuple):
    """A token that counts: ``size`` entries were there; ``record`` is the entry that records it."""

    size: int
    authority: str
    time: datetime
    slack: timedelta
    record: Optional[int]


def entries_stand_in_certified_time(at: Examination) -> Iterator[Finding]:
    """Each entry's time lies between what was certified before it and after it."""
    if at.checkpoint is None:
        return
    stamps: list[_Stamp] = []
    for path in sorted(at.bundle.members):
        name = _NAME.fullmatch(path[len(STAMPS) :]) if path.startswith(STAMPS) else None
        if name is not None:
            found = _stamp(at, path, int(name[1]), name[2])
            if isinstance(found, Finding):
                yield found
            else:
                stamps.append(found)
    for each in _records(at):
        if "{}{}.{}.tsr".format(STAMPS, *_about(each)) not in at.bundle.members:
            yield Finding(
                "token-missing",
                NOT_CHECKED,
                f"entry {each.seq}",
                "records a time-stamp that the bundle does not bring",
            )
    recorded = sorted(at.entries.values(), key=lambda each: each.seq)
    faults = 0
    for fault in _contradicted(recorded, stamps):
        faults += 1
        yield fault
    if stamps and not faults:
        yield _bracket(at, recorded, stamps)
    covered = max((each.size for each in stamps), default=0)
    late = sum(each.seq >= covered for each in recorded)
    if late or not stamps:
        subject = f"{late} entries" if stamps else "time"
        yield Finding(
            "time-not-witnessed",
            NOT_CHECKED,
            subject,
            "server clock only, no third party confirms it: entries could be back-dated by the"
            " archive (attack 10)",
        )


def _stamp(at: Examination, path: str, size: int, authority: str) -> Union[_Stamp, Finding]:
    """Examine one token, cheap before expensive."""
    try:
        response = at.bundle.read(path, limit=timestamps.LONGEST_RESPONSE)
        token = timestamps.parse_response(response)
        note = at.bundle.text(f"{STAMPS}{size}.note", limit=notes.LONGEST_NOTE)
        _require_part_of_the_log(at, note, size)
        if token.imprint != hashlib.sha256(note.encode()).digest():
            raise BrokenError("is not over the checkpoint that it came with")
        record = _record(at, hashlib.sha256(response).hexdigest(), size, authority, token)
    except ProofError as error:
        return failed("token-wrong", path, error)
    if at.policy.time_roots is None:
        return Finding(
            "token-not-checked",
            NOT_CHECKED,
            path,
            f"says {entries.format_time(token.gen_time)}; you named no authority to believe, so it"
            " counts for nothing: name one with --time-roots",
        )
    try:
        timestamps.require_signed(response, token, at.policy.time_roots)
    except (BrokenError, timestamps.NotCheckedError) as error:
        return Finding("token-not-checked", NOT_CHECKED, path, f"counts for nothing: {error}")
    slack = token.accuracy + CLOCKS_DIFFER
    return _Stamp(size, authority, token.gen_time, slack, record)


def _require_part_of_the_log(at: Examination, note: str, size: int) -> None:
    """Require that the stamped checkpoint is the beginning of the log's state."""
    now, at_note = at.checkpoint, at.note
    stamped = notes.Checkpoint.parse(notes.split_note(note)[0])
    if now is None or stamped.origin != now.origin or stamped.size != size:
        raise BrokenError("came with the checkpoint of another state")
    if note != notes.signed_by_log(note):
        raise BrokenError("came with a checkpoint that holds more than the log's own signatures")
    if size == now.size:
        if stamped.root != now.root:
            raise BrokenError("came with another state of the same size")
        return
    path = f"{CUSTODY}consistency/{size}-{now.size}"
    proof = notes.parse_consistency(at.bundle.text(path, limit=notes.LONGEST_NOTE))
    if proof.old != size or proof.checkpoint != at_note:
        raise BrokenError("came with a proof about other states")
    merkle.verify_consistency(size, now.size, stamped.root, now.root, proof.path)


def _record(
    at: Examination, digest: str, size: int, authority: str, token: timestamps.Token
) -> Optional[int]:
    """Give the entry that records the token; None if it is not in the bundle."""
    about = [each for each in _records(at) if _about(each) == (size, authority)]
    for each in _records(at):
        if each.data.get("tsr_sha256") == digest:
            gen_time = entries.format_time(token.gen_time)
            if each not in about or each.data.get("gen_time") != gen_time:
                raise BrokenError(f"is not what entry {each.seq} says of it")
            return each.seq
    if about:
        raise BrokenError(f"is not the response that entry {about[0].seq} records")
    return None


def _records(at: Examination) -> list[Recorded]:
    return [each for each in at.entries.values() if each.kind == KIND]


def _about(entry: Recorded) -> tuple[object, object]:
    """Give the size and the authority of which an entry records a token."""
    return entry.data.get("size"), entry.data.get("tsa")


def _not_after(seq: int, stamps: Sequence[_Stamp]) -> Optional[_Stamp]:
    covering = (each for each in stamps if each.size > seq)
    return min(covering, key=lambda each: each.time + each.slack, default=None)


def _not_before(seq: int, stamps: Sequence[_Stamp]) -> Optional[_Stamp]:
    earlier = (each for each in stamps if each.record is not None and each.record < seq)
    return max(earlier, key=lambda each: each.time - each.slack, default=None)


def _contradicted(recorded: Sequence[Recorded], stamps: Sequence[_Stamp]) -> Iterator[Finding]:
    for each in recorded if stamps else ():
        after, before = _not_after(each.seq, stamps), _not_before(each.seq, stamps)
        said = f"says {entries.format_time(each.time)}, but "
        if after is not None and each.time > after.time + after.slack:
            when = entries.format_time(after.time)
            detail = f"{said}{after.authority} certified at {when} that it was there"
            yield failed("time-contradicted", f"entry {each.seq}", detail)
        if before is not None and each.time < before.time - before.slack:
            when = entries.format_time(before.time)
            detail = f"{said}it follows what {before.authority} certified at {when}"
            yield failed("time-contradicted", f"entry {each.seq}", detail)


def _bracket(at: Examination, recorded: Sequence[Recorded], stamps: Sequence[_Stamp]) -> Finding:
    """Say for the bundle, and for each item, between which certified times its entries lie."""
    times: dict[str, dict[str, Optional[str]]] = {}
    for each in recorded:
        if each.item is None:
            continue
        before, after = _not_before(each.seq, stamps), _not_after(each.seq, stamps)
        bracket = times.setdefault(
            each.item, {"not_before": before and entries.format_time(before.time)}
        )
        bracket["not_after"] = after and entries.format_time(after.time)
    at.facts["certified_time"] = times
    covered = [each for each in recorded if _not_after(each.seq, stamps) is not None]
    first = entries.format_time(min(each.time for each in stamps))
    last = entries.format_time(max(each.time for each in stamps))
    return passed(
        "time-certified",
        f"{len(covered)} entries",
        f"lie in time as {len(stamps)} tokens of third parties certify, from {first} to {last}",
    )
