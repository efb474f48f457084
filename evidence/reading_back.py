"""Originals are read back on a schedule; what went wrong is an entry, and is put right from a copy.

A worker reads for a slice of time, longest unread first, at a rate that leaves the disk to others.
An original that is no longer what was taken in is an entry in the history of each item that has it;
so is the one that says that it is again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from archive import custody, fixity, outbox, store
from archive.backends import Place, read_pieces
from archive.models.job import Job
from archive.models.stored_object import StoredObject
from archive.proof import events
from archive.proof.digests import measure
from archive.store import FixityResult, StoreError
from evidence import dispatch
from evidence.models.file import EvidenceFile

KIND = "evidence.fixity"
SUBJECT = "originals"
SLICE = timedelta(minutes=2)  # one piece of a worker's time; the schedule asks again
MOST_SHOWN = 200
LONG = 0.015  # seconds of counting from which on the answer is kept
KEPT = timedelta(minutes=5)
_COUNTED = "fixity-coverage"


def files_of(sha256: str) -> QuerySet[EvidenceFile]:
    """Return every item's file with these bytes, oldest first."""
    return (
        EvidenceFile.objects.filter(sha256=sha256, role=EvidenceFile.Role.EVIDENTIARY)
        .select_related("item")
        .order_by("created_at", "pk")
    )


def record_change(log: custody.Recording, stored: StoredObject, result: FixityResult) -> None:
    """Say in the history of each item that has an original what it was found to be."""
    intact = result.outcome == StoredObject.Fixity.INTACT
    for file in files_of(stored.sha256):
        facts = {"case": str(file.item.case_id), "file": str(file.pk), "sha256": stored.sha256}
        log.add(
            events.FixityChecked(**facts, found=result.found)
            if intact
            else events.FixityFailed(
                **facts,
                found=result.found,
                outcome="missing" if result.outcome == StoredObject.Fixity.MISSING else "mismatch",
            ),
            item=file.item_id,
        )


def record_repair(sha256: str, *, now: datetime) -> None:
    """Say in the history of each file that had these bytes that they are whole again.

    By the archive itself: who brought the bytes is no business of another case's readers.
    """
    with custody.recording(actor=custody.ARCHIVE, now=now) as log:
        for file in files_of(sha256):
            log.add(
                events.MediaRepaired(case=str(file.item.case_id), file=str(file.pk), sha256=sha256),
                item=file.item_id,
            )


def repair(stored: StoredObject, copy: Place, *, now: datetime) -> None:
    """Put an original's true bytes, from a copy of the store, in place of damaged or lost ones.

    The copy is read and compared first, so that nothing else can come in; the damaged bytes are
    kept.  Raises StoreError, MissingError or DamagedError when the copy does not have them.
    """
    with copy.open(stored.sha256) as file:
        held = measure(read_pieces(file))
    if (held.sha256.hex(), held.sha512.hex()) != (stored.sha256, stored.sha512):
        raise store.DamagedError(
            f"The copy has sha256:{held.sha256.hex()} under sha256:{stored.sha256}; not used."
        )
    with copy.open(stored.sha256) as file:
        kept = store.put(read_pieces(file), declared_size=stored.size)
    if kept.measurement != held:
        raise store.DamagedError("The copy gave other bytes at the second reading; not used.")
    with custody.recording(actor=custody.ARCHIVE, now=now):
        lost = StoredObject.objects.filter(pk=stored.pk).exclude(state=StoredObject.State.STORED)
        if kept.healed or not kept.already_held or lost.exists():
            store.record(kept)
            StoredObject.objects.filter(pk=stored.pk).update(
                last_fixity_at=now, last_fixity_outcome=StoredObject.Fixity.INTACT
            )
            record_repair(stored.sha256, now=now)


def repair_all(copy: Place, *, clock: Callable[[], datetime]) -> Iterable[tuple[StoredObject, str]]:
    """Repair each original that is known to be damaged or missing; yield it and what stood in the
    way, which is empty where it is whole again."""
    for stored in faulty().order_by("sha256"):
        try:
            repair(stored, copy, now=clock())
        except (OSError, StoreError) as error:
            yield stored, str(error)
        else:
            yield stored, ""


def plan(*, now: datetime) -> Job | None:
    """Have a worker read back what is due, unless that is planned or nothing is; None then."""
    if not fixity.unread(now - _period(), now=now).exists():
        return None
    with transaction.atomic():
        job = Job.objects.filter(kind=KIND, subject=SUBJECT).order_by("created_at").first()
        if job is None:
            job = outbox.add(KIND, SUBJECT)
        elif job.state not in {Job.State.DONE, Job.State.QUARANTINED} or not outbox.requeue(job):
            return None
        dispatch.after_commit(job.pk)
    return job


def produce(_job: Job, progress: Callable[[int, int], None]) -> Callable[[], None]:
    """The outbox's handler: read for one slice of time.  Each outcome is committed by itself."""
    begun = timezone.now()
    since = begun - _period()
    total = fixity.unread(since, now=begun).count()
    reading = fixity.sweep(
        started=since,
        clock=timezone.now,
        until=begun + SLICE,
        pace=fixity.Pace(settings.FIXITY_RATE),
    )
    for done, _ in enumerate(reading, start=1):
        progress(done, max(total, done))
    return lambda: None


def give_up(_job: Job) -> None:
    """Nothing to say elsewhere: coverage shows it, and the schedule asks again."""


def faulty() -> QuerySet[StoredObject]:
    """Return the originals whose last reading found them damaged or missing, or could not be."""
    return StoredObject.objects.filter(
        Q(state__in=[StoredObject.State.DAMAGED, StoredObject.State.MISSING])
        | Q(
            last_fixity_outcome__in=[
                StoredObject.Fixity.DAMAGED,
                StoredObject.Fixity.MISSING,
                StoredObject.Fixity.UNREADABLE,
            ]
        )
    )


@dataclass(frozen=True)
class Coverage:
    """How much of the store was read back, and how long ago."""

    originals: int
    all_bytes: int
    within: int  # originals read back within the period
    within_bytes: int
    never: int
    oldest: datetime | None  # the longest unread of those that were read at all
    period: timedelta
    days: list[tuple[str, int]]  # how long ago, in words, and how many originals
    as_of: datetime  # when all this was counted
    faults: int  # now

    @property
    def percent(self) -> int:
        """Of the bytes, read back within the period; 100 only when all of them are."""
        return 100 * self.within_bytes // self.all_bytes if self.all_bytes else 100


def coverage(*, now: datetime) -> Coverage:
    """Say how much of the store was read back within the period, and the age of each reading.

    Of a large store, where counting takes long, what was counted in the last minutes; how many are
    faulty is always as it is now.
    """
    counted: dict[str, Any] | None = cache.get(_COUNTED)
    if counted is None or not now - KEPT <= counted["as_of"] <= now:
        begun = time.monotonic()
        counted = _count(now)
        if time.monotonic() - begun > LONG:
            cache.set(_COUNTED, counted, KEPT.total_seconds())
    return Coverage(**counted, faults=faulty().count())


def _count(now: datetime) -> dict[str, Any]:
    recent = Q(last_fixity_at__gte=now - _period(), last_fixity_at__lte=now + timedelta(days=1))
    told: dict[str, Any] = StoredObject.objects.aggregate(
        originals=Count("pk"),
        all_bytes=Coalesce(Sum("size"), 0),
        within=Count("pk", filter=recent),
        within_bytes=Coalesce(Sum("size", filter=recent), 0),
        never=Count("pk", filter=Q(last_fixity_at__isnull=True)),
        oldest=Min("last_fixity_at"),
    )
    return {**told, "period": _period(), "days": _ages(now, told["never"]), "as_of": now}


def _ages(now: datetime, never: int) -> list[tuple[str, int]]:
    step = max(1, _period().days // 6)
    ends = [step * number for number in range(1, 9)]
    counts = [0] * (len(ends) + 1)
    days = (
        StoredObject.objects.filter(last_fixity_at__isnull=False)
        .annotate(day=TruncDate("last_fixity_at"))
        .values_list("day")
        .annotate(number=Count("pk"))
        .order_by()
    )
    for day, number in days:
        age = max(0, (now.date() - day).days)
        counts[next((at for at, end in enumerate(ends) if age < end), len(ends))] += number
    # Kept for readers of any language, so that no words are in it.
    names = [f"{end - step}-{end - 1}" if step > 1 else str(end - 1) for end in ends]
    return [*zip([*names, f"{ends[-1]}+"], counts, strict=True), ("never", never)]


def _period() -> timedelta:
    return timedelta(days=settings.FIXITY_DAYS)
