"""What the witnesses cosigned, and how far and when a quorum of them saw the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter

from django.utils import timezone

from archive import cosigning
from archive.audits.examination import Examination, failed
from archive.models.checkpoint import Checkpoint, Cosignature
from archive.proof.entries import format_time
from archive.proof.report import NOT_CHECKED, PASSED, UNREADABLE, Finding
from archive.proof.trust_policy import Quorum

_SILENCE = timedelta(days=2)  # four heartbeats


def witnesses_have_cosigned(at: Examination) -> Iterator[Finding]:
    """Each witness's line is over its checkpoint; and how far a quorum of them has seen the log."""
    try:
        quorum = cosigning.policy().quorum
    except cosigning.CosigningError as error:
        yield Finding("witnesses-unreadable", UNREADABLE, "the witnesses' policy", str(error))
        return
    seen: tuple[int, int] | None = None  # entries, and when the quorum saw them
    lines = 0
    for checkpoint, rows in _cosigned():
        if checkpoint is None:
            for row in rows:
                yield failed("cosignature-altered", f"cosignature {row.pk}", "of no checkpoint")
            continue
        if checkpoint.log_id != at.log.pk:
            continue
        times: dict[str, int] = {}
        for row in rows:
            fault = cosigning.fault(checkpoint.note, row)
            if fault:
                subject = f"cosignature {row.pk} of the checkpoint at {checkpoint.size}"
                yield failed("cosignature-altered", subject, fault)
                continue
            lines += 1
            times[row.vkey] = max(row.time, times.get(row.vkey, 0))
        latest = quorum.latest(times) if quorum else None
        if latest is not None and (seen is None or checkpoint.size >= seen[0]):
            seen = (checkpoint.size, latest)
    if lines:
        yield Finding("cosignatures-hold", PASSED, f"{lines} cosignatures", "by witnesses")
    yield from _seen_by_witnesses(at, quorum, seen)


def _cosigned() -> Iterator[tuple[Checkpoint | None, list[Cosignature]]]:
    """Give each checkpoint that has cosignatures, with them; None for one that is not there."""
    rows = Cosignature.objects.order_by("checkpoint_id", "pk").iterator()
    for pk, group in groupby(rows, key=attrgetter("checkpoint_id")):
        yield Checkpoint.objects.filter(pk=pk).first(), list(group)


def _seen_by_witnesses(
    at: Examination, quorum: Quorum | None, seen: tuple[int, int] | None
) -> Iterator[Finding]:
    if quorum is None:
        yield Finding(
            "unwitnessed",
            NOT_CHECKED,
            "the signer",
            "no outside witness: whoever holds the key, the signer's state and every anchor could "
            "rewrite what nobody outside holds a checkpoint of (attacks 3, 5, 7, 8, 9, 13)",
        )
        return
    size, time = seen or (0, 0)
    if seen:
        when = format_time(datetime.fromtimestamp(time, tz=UTC))
        yield Finding("witnessed", PASSED, f"{size} entries", f"the quorum saw them at {when}")
        if timezone.now() - datetime.fromtimestamp(time, tz=UTC) > _SILENCE:
            yield Finding(
                "witnesses-silent",
                NOT_CHECKED,
                "the witnesses",
                f"nothing was heard of them since {when}: a database that was put back to that "
                "time would look like this one (attacks 7, 8, 13); run `manage.py cosign`",
            )
    if size < at.end:
        yield Finding(
            "entries-unwitnessed",
            NOT_CHECKED,
            f"entries {size} to {at.end - 1}",
            "no quorum of witnesses has seen them yet (attacks 3, 5, 9)",
        )
