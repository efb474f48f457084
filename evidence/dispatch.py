"""Rings the broker after a commit.  Names tasks, imports none; a dead broker delays nobody.

The outbox's row is the record of work.  The bell only makes it start sooner: a ring that is lost
is made up for by the sweep.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import uuid

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

#: Rings that wait for the broker; past this many the sweep is trusted to find the work.
WAITING = 10_000

_rings: queue.Queue[uuid.UUID] = queue.Queue(maxsize=WAITING)
_starting = threading.Lock()
_ringer: threading.Thread | None = None


def after_commit(job: uuid.UUID) -> None:
    """Ask for ``job`` to be worked on once the surrounding transaction is committed."""

    def ring() -> None:
        _start()
        with contextlib.suppress(queue.Full):  # the sweep finds the row
            _rings.put_nowait(job)

    transaction.on_commit(ring, robust=True)


def _start() -> None:
    global _ringer  # noqa: PLW0603 - one ringer a process, restarted after a fork
    with _starting:
        if _ringer is None or not _ringer.is_alive():
            _ringer = threading.Thread(target=_ring_on, name="doorbell", daemon=True)
            _ringer.start()


def _ring_on() -> None:
    while True:
        job = _rings.get()
        try:
            current_app.send_task("evidence.work", args=[str(job)], retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            logger.warning("The broker did not take job %s; the sweep will: %s", job, error)
