"""Celery's doors to the archive: call one act."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from archive import checkpoints, cosigning, erasing, store, timestamping


@shared_task(name="archive.checkpoint")
def checkpoint() -> None:
    """Have the ledger's head signed; nothing happens when it is signed already."""
    checkpoints.checkpoint()


@shared_task(name="archive.cosign")
def cosign() -> None:
    """Ask the witnesses that have not cosigned the newest checkpoint, or not lately."""
    cosigning.gather(now=timezone.now())


@shared_task(name="archive.timestamp")
def timestamp() -> None:
    """Ask the time authorities that have not stamped what happened since."""
    timestamping.gather(now=timezone.now())


@shared_task(name="archive.finish_erasing")
def finish_erasing() -> None:
    """Destroy the keys of erased values that a crash left behind."""
    erasing.finish()


@shared_task(name="archive.sweep_temporary")
def sweep_temporary() -> None:
    """Remove half-written files that no living upload can still be writing."""
    store.sweep_temporary(older_than=timedelta(days=1))
