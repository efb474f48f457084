"""Celery's doors: fetch, call one act."""

from __future__ import annotations

import uuid
from datetime import timedelta

from celery import shared_task

from archive import outbox, store
from evidence import exporting, intake, processing, verifying

HANDLERS = {
    "evidence.analyse": processing.analyse,
    "evidence.seal": intake.seal,
    "evidence.export": exporting.produce,
    "archive.audit": verifying.produce,
}


@shared_task(name="evidence.work")
def work(job: str) -> None:
    """Do one row of the outbox; a stale or second delivery does nothing."""
    processing.work(uuid.UUID(job), HANDLERS)


@shared_task(name="evidence.sweep")
def sweep() -> None:
    """Ring again for work that is due: lost messages, dead workers, backed-off attempts."""
    for job in outbox.due():
        work.delay(str(job))


@shared_task(name="archive.sweep_temporary")
def sweep_temporary() -> None:
    """Remove half-written files that no living upload can still be writing."""
    store.sweep_temporary(older_than=timedelta(days=1))
