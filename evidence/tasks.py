"""Celery's doors: fetch, call one act."""

from __future__ import annotations

import uuid
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from archive import custody, outbox
from archive.models.job import Job
from evidence import (
    exporting,
    intake,
    notifying,
    processing,
    reading_back,
    redacting,
    sidecars,
    verifying,
)

RECENTLY = timedelta(days=2)  # how far back an hourly look for missing sidecars goes

HANDLERS = {
    "evidence.analyse": processing.analyse,
    "evidence.seal": intake.seal,
    "evidence.export": exporting.produce,
    redacting.KIND: redacting.produce,
    reading_back.KIND: reading_back.produce,
    verifying.WHOLE: verifying.produce,
    verifying.SINCE_LAST: verifying.produce,
}


#: What to say, and where, when a kind of work was given up.
GIVEN_UP = {
    "evidence.analyse": processing.give_up,
    "evidence.seal": intake.give_up,
    "evidence.export": exporting.give_up,
    redacting.KIND: redacting.give_up,
    reading_back.KIND: reading_back.give_up,
    verifying.WHOLE: verifying.give_up,
    verifying.SINCE_LAST: verifying.give_up,
}


def _set_aside(job: Job) -> None:
    GIVEN_UP[job.kind](job)


@shared_task(name="evidence.work")
def work(job: str) -> None:
    """Do one row of the outbox; a stale or second delivery does nothing."""
    outbox.run(uuid.UUID(job), HANDLERS, on_quarantine=_set_aside)


@shared_task(name="evidence.verify")
def verify(kind: str) -> None:
    """Plan an audit in the archive's own name."""
    verifying.plan(kind, actor=custody.ARCHIVE, now=timezone.now())


@shared_task(name="evidence.read_back")
def read_back() -> None:
    """Plan the reading of the originals that are due."""
    reading_back.plan(now=timezone.now())


@shared_task(name="evidence.notify")
def notify() -> None:
    """Write to those for whom something new waits, if an operator turned mails on."""
    notifying.tell(now=timezone.now())


@shared_task(name="evidence.restore_sidecars")
def restore_sidecars() -> None:
    """Write the sidecars that a crash after the commit left out."""
    sidecars.restore(since=timezone.now() - RECENTLY)


@shared_task(name="evidence.sweep")
def sweep() -> None:
    """Ring again for work that is due: lost messages, dead workers, backed-off attempts."""
    for job in outbox.due():
        work.delay(str(job))
