"""Reading originals back: one by one, longest unread first, with the outcome on each row.

Each outcome is committed by itself, so that a reading that is killed loses only the one under way.
What changes an original's state is told to those who know its items, in the same transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import F, Q, QuerySet

from archive import custody, store
from archive.models.stored_object import StoredObject
from archive.store import FixityResult

logger = logging.getLogger(__name__)

BATCH = 100  # rows asked for at a time
#: A reading dated further ahead than this was made under a clock that has since been put back.
_AHEAD = timedelta(days=1)

# A reading that failed says nothing of the bytes, so the state stays what it was.
_STATES = {
    StoredObject.Fixity.INTACT: StoredObject.State.STORED,
    StoredObject.Fixity.DAMAGED: StoredObject.State.DAMAGED,
    StoredObject.Fixity.MISSING: StoredObject.State.MISSING,
}


#: Called with the recording, the row and what was read when an original is no longer, or is again,
#: what it should be.
Told = Callable[[custody.Recording, StoredObject, FixityResult], None]
_TOLD: list[Told] = []


def tell(told: Told) -> None:
    """Have ``told`` called at each change of state.  Called once, when all is set up."""
    if told not in _TOLD:
        _TOLD.append(told)


class Pace:
    """Keeps reading at or below a number of bytes a second; called with each piece's length."""

    def __init__(self, rate: int) -> None:
        """``rate`` is in bytes a second; 0 sets no limit."""
        self._rate = rate
        self._due = time.monotonic()

    def __call__(self, length: int) -> None:
        if not self._rate:
            return
        now = time.monotonic()
        # At most a second that was not used is made up for.
        self._due = max(self._due, now - 1) + length / self._rate
        if self._due > now:
            time.sleep(self._due - now)


Said = tuple[object, object]  # an original's SHA-512 and size, as somebody recorded them


def compare(
    stored: StoredObject, said: Said | None = None, *, pace: Pace | None = None
) -> FixityResult:
    """Read one original back and compare both digests and the size; note nothing.

    They are compared with what an entry ``said``, or with the row where there is no better witness.
    """
    sha512, size = said or (stored.sha512, stored.size)
    result = store.check(stored.sha256, pace=pace)
    if result.outcome != StoredObject.Fixity.INTACT or (result.sha512, result.size) == (
        sha512,
        size,
    ):
        return result
    return replace(
        result,
        outcome=StoredObject.Fixity.DAMAGED,
        detail=f"{result.size} bytes of sha512:{result.sha512} lie there; recorded are "
        f"{size} bytes of sha512:{sha512}",
    )


def check(
    stored: StoredObject, *, now: datetime, said: Said | None = None, pace: Pace | None = None
) -> FixityResult:
    """Read one original back and note on its row when and how that went.

    A change of state is an entry of each item that has the original.  Where the ledger takes no
    entries, the row keeps its old state, so that the next reading records the change.
    """
    result = compare(stored, said, pace=pace)
    try:
        _note(stored, result, now)
    except (custody.CustodyError, DatabaseError):
        logger.exception("What %s was found to be could not be recorded.", stored)
        StoredObject.objects.filter(pk=stored.pk).update(
            last_fixity_at=now, last_fixity_outcome=result.outcome
        )
    return result


def _note(stored: StoredObject, result: FixityResult, now: datetime) -> None:
    outcome = StoredObject.Fixity(result.outcome)
    row = StoredObject.objects.filter(pk=stored.pk)
    state = _STATES.get(outcome)
    noted = {"last_fixity_at": now, "last_fixity_outcome": outcome}
    if state is None:
        row.update(**noted)
        return
    if row.filter(state=state).update(**noted):
        return
    with custody.recording(actor=custody.ARCHIVE, now=now) as log:
        if row.exclude(state=state).update(state=state, **noted):
            for told in _TOLD:
                told(log, stored, result)


def unread(since: datetime, *, now: datetime) -> QuerySet[StoredObject]:
    """Return the originals that were not read back since then, longest unread first."""
    return StoredObject.objects.filter(
        Q(last_fixity_at__isnull=True)
        | Q(last_fixity_at__lt=since)
        | Q(last_fixity_at__gt=now + _AHEAD)
    ).order_by(F("last_fixity_at").asc(nulls_first=True), "sha256")


def sweep(
    *,
    started: datetime,
    clock: Callable[[], datetime],
    until: datetime,
    pace: Pace | None = None,
) -> Iterator[FixityResult]:
    """Check originals, longest unread first, until the clock passes ``until`` or all are done.

    ``started`` is since when a reading counts as done.  Yields each result as it comes, so that a
    killed sweep has lost only the one under way: the next begins with whatever this one did not
    reach.
    """
    while True:
        batch = list(unread(started, now=clock())[:BATCH])
        for stored in batch:
            if clock() >= until:
                return
            yield check(stored, now=max(clock(), started), pace=pace)
        if len(batch) < BATCH:
            return
