"""Work that must happen: kept in the database until it is done, or set aside with a reason.

A broker is only a doorbell.  Whoever answers it calls ``run``, which takes the row's lease itself,
so that a lost, late, doubled or stale message changes nothing:

 1. a short transaction of its own takes the lease and counts the attempt, so that a worker which
    is killed has used one up;
 2. the handler does the slow work outside any transaction, while a thread renews the lease;
 3. one transaction marks the row done, if the lease is still ours, and runs what the handler
    returned: the effect and "done" are there together, once, or not at all.

Leases are told by the database's clock.  One further in the future than a lease can last was
written under a clock that has since been put back, and counts as over.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone, translation

from archive import custody
from archive.models.job import Job

logger = logging.getLogger(__name__)

ATTEMPTS = 3
FIRST_WAIT = timedelta(seconds=5)  # before the second attempt; four times as long before the third
LONGEST_WAIT = timedelta(minutes=5)
BEAT = 1.0  # seconds between looks at the progress; the lease is renewed three times in its length
LONGEST_REASON = 2_000  # characters of an error that are kept

Progress = Callable[[int, int], None]
Finish = Callable[[], None]
Handler = Callable[[Job, Progress], Finish]
OnQuarantine = Callable[[Job], None]


class Outcome(enum.Enum):
    """What ``run`` came to."""

    DONE = "done"
    NOT_OURS = "not ours"  # finished, not due, or held by another
    FAILED = "failed"  # will be tried again
    QUARANTINED = "quarantined"
    LOST = "lost"  # the lease ran out meanwhile; the result was thrown away


class QuarantineError(Exception):
    """A handler raises this for work that no further attempt can save; it is set aside at once."""


def add(kind: str, subject: str) -> Job:
    """Plan a piece of work; inside an act's transaction it is as sure as the act."""
    return Job.objects.create(kind=kind, subject=subject, created_at=timezone.now())


def add_all(kind: str, subjects: Iterable[str]) -> list[Job]:
    """Plan many pieces of work of one kind; return them in that order."""
    now = timezone.now()
    return Job.objects.bulk_create(
        Job(kind=kind, subject=subject, created_at=now) for subject in subjects
    )


def due(limit: int = 1_000) -> list[uuid.UUID]:
    """Return the jobs that somebody should run now, oldest first; dead workers' jobs among them."""
    return list(_claimable().order_by("created_at", "id").values_list("id", flat=True)[:limit])


@translation.override("en")  # what is recorded, and what leaves, is in one language
def run(
    job_id: uuid.UUID,
    handlers: Handler | Mapping[str, Handler],
    *,
    on_quarantine: OnQuarantine | None = None,
) -> Outcome:
    """Take the job's lease and do it, if it is due and free; otherwise change nothing.

    ``handlers`` is the handler, or one for each kind.  A handler does its slow work and returns
    what is to be done in the transaction that marks the job done; it may be run more than once, its
    return's effect happens once.  Any exception of either counts as a failed attempt, is kept in
    words and backed off; after the third the job is quarantined.  ``on_quarantine`` is called with
    the job in that transaction.
    """
    with transaction.atomic(durable=True):  # inside another transaction no attempt would count
        job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return Outcome.NOT_OURS
    handler = handlers if callable(handlers) else handlers.get(job.kind)
    if handler is None:
        _put_off(job)
        return Outcome.NOT_OURS
    leased = _lease(job_id, on_quarantine)
    if not isinstance(leased, Job):
        return leased
    try:
        with _Heartbeat(leased) as heartbeat:
            finish = handler(leased, heartbeat.progress)
        with custody.writing():
            if not _mine(leased).update(
                state=Job.State.DONE,
                lease_token=None,
                lease_until=None,
                finished_at=Now(),
                last_error="",
                **heartbeat.told(),
            ):
                return Outcome.LOST
            finish()
    except Exception as error:  # whatever it was, the row must say so and wait
        logger.warning("Job %s (%s) failed.", leased.pk, leased.kind, exc_info=True)
        return _failed(leased, error, on_quarantine)
    return Outcome.DONE


def requeue(job: Job | uuid.UUID) -> bool:
    """Let a quarantined or waiting job be tried afresh, now.  False if it is running or not there.

    A finished job is done again too: that is what a person asks for who presses "retry".
    """
    key = job.pk if isinstance(job, Job) else job
    return bool(
        Job.objects.filter(pk=key)
        .exclude(state=Job.State.LEASED)
        .update(
            state=Job.State.WAITING,
            attempts=0,
            not_before=None,
            finished_at=None,
            progress_done=0,
            progress_total=None,
        )
    )


def _lease_length() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def _claimable() -> QuerySet[Job]:
    waiting = Q(state=Job.State.WAITING) & (
        Q(not_before__isnull=True)
        | Q(not_before__lte=Now())
        | Q(not_before__gt=Now() + LONGEST_WAIT * 2)
    )
    abandoned = Q(state=Job.State.LEASED) & (
        Q(lease_until__lte=Now()) | Q(lease_until__gt=Now() + _lease_length() * 2)
    )
    return Job.objects.filter(waiting | abandoned)


def _mine(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, state=Job.State.LEASED, lease_token=job.lease_token)


def _lease(job_id: uuid.UUID, on_quarantine: OnQuarantine | None) -> Job | Outcome:
    with custody.writing():
        # PostgreSQL steps over a row that another is just taking; SQLite lets one writer in.
        job = _claimable().select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None:
            return Outcome.NOT_OURS
        if job.attempts >= ATTEMPTS:
            reason = "The worker was lost while it ran, each time."
            if job.last_error:
                reason = f"The worker was lost while it ran. Before that: {job.last_error}"
            _quarantine(job, reason, on_quarantine)
            return Outcome.QUARANTINED
        token = uuid.uuid4()
        Job.objects.filter(pk=job.pk).update(
            state=Job.State.LEASED,
            attempts=F("attempts") + 1,
            lease_token=token,
            lease_until=Now() + _lease_length(),
            not_before=None,
            progress_done=0,
            progress_total=None,
        )
        job.refresh_from_db()
        return job


def _failed(job: Job, error: Exception, on_quarantine: OnQuarantine | None) -> Outcome:
    reason = _in_words(error)
    with custody.writing():
        held = _mine(job).select_for_update().first()
        if held is None:
            return Outcome.LOST
        if held.attempts >= ATTEMPTS or isinstance(error, QuarantineError):
            _quarantine(held, reason, on_quarantine)
            return Outcome.QUARANTINED
        wait = min(FIRST_WAIT * 4 ** (held.attempts - 1), LONGEST_WAIT)
        Job.objects.filter(pk=held.pk).update(
            state=Job.State.WAITING,
            lease_token=None,
            lease_until=None,
            last_error=reason,
            not_before=Now() + wait,
        )
    return Outcome.FAILED


def _quarantine(job: Job, reason: str, on_quarantine: OnQuarantine | None) -> None:
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.QUARANTINED,
        lease_token=None,
        lease_until=None,
        last_error=reason,
        finished_at=Now(),
    )
    job.refresh_from_db()
    if on_quarantine is not None:
        on_quarantine(job)


def _put_off(job: Job) -> None:
    """Leave work of an unknown kind to a worker that knows it: an older version may be running."""
    logger.warning("No handler here for job %s of kind %r; left for another.", job.pk, job.kind)
    Job.objects.filter(pk=job.pk, state=Job.State.WAITING).update(
        last_error=f"This worker does not know the kind {job.kind!r}; another may.",
        not_before=Now() + FIRST_WAIT,
    )


def _in_words(error: Exception) -> str:
    said = str(error).strip() or "no reason was given"
    return f"{type(error).__name__}: {said}".replace("\x00", "\N{REPLACEMENT CHARACTER}")[
        :LONGEST_REASON
    ]


class _Heartbeat:
    """Renews a lease and writes down the progress, on a thread with a connection of its own."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._progress: tuple[int, int] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease {job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def progress(self, done: int, total: int) -> None:
        """Take note of how far the work is.  Costs nothing; the next beat writes it down."""
        self._progress = (done, total)

    def told(self) -> dict[str, int]:
        """Return the last progress as the row's columns."""
        if self._progress is None:
            return {}
        return {"progress_done": self._progress[0], "progress_total": self._progress[1]}

    def _beat(self) -> None:
        every = _lease_length().total_seconds() / 3
        with _own_connection():
            since = 0.0
            written = self._progress
            while not self._stopping.wait(step := min(BEAT, every)):
                since += step
                if since < every and self._progress == written:
                    continue
                progress = self.told()
                try:
                    written, since = self._progress, 0.0
                    if not _mine(self._job).update(lease_until=Now() + _lease_length(), **progress):
                        return  # another has it; the result will be thrown away
                except Error as error:
                    # A busy or absent database for one beat is no reason to stop the work.
                    logger.warning("The lease of job %s was not renewed: %s", self._job.pk, error)
                    connection.close()


@contextlib.contextmanager
def _own_connection() -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()
