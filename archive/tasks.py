"""Celery's doors to the archive: call one act."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from archive import checkpoints, store


@shared_task(name="archive.checkpoint")
def checkpoint() -> None:
    """Have the ledger's head signed; nothing happens when it is signed already."""
    checkpoints.checkpoint()


@shared_task(name="archive.sweep_temporary")
def sweep_temporary() -> None:
    """Remove half-written files that no living upload can still be writing."""
    store.sweep_temporary(older_than=timedelta(days=1))
