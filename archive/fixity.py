"""Reading originals back: one by one, longest unread first, with the outcome on each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from django.db.models import F

from archive import store
from archive.models.stored_object import StoredObject
from archive.store import FixityResult

BATCH = 100  # rows asked for at a time

# A reading that failed says nothing of the bytes, so the state stays what it was.
_STATES = {
    StoredObject.Fixity.INTACT: StoredObject.State.STORED,
    StoredObject.Fixity.DAMAGED: StoredObject.State.DAMAGED,
    StoredObject.Fixity.MISSING: StoredObject.State.MISSING,
}


Said = tuple[object, object]  # an original's SHA-512 and size, as somebody recorded them


def compare(stored: StoredObject, said: Said | None = None) -> FixityResult:
    """Read one original back and compare both digests and the size; note nothing.

    They are compared with what an entry ``said``, or with the row where there is no better witness.
    """
    sha512, size = said or (stored.sha512, stored.size)
    result = store.check(stored.sha256)
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


def check(stored: StoredObject, *, now: datetime, said: Said | None = None) -> FixityResult:
    """Read one original back and note on its row when and how that went."""
    result = compare(stored, said)
    outcome = StoredObject.Fixity(result.outcome)
    StoredObject.objects.filter(pk=stored.pk).update(
        state=_STATES.get(outcome, F("state")), last_fixity_at=now, last_fixity_outcome=outcome
    )
    return result


def sweep(
    *, started: datetime, clock: Callable[[], datetime], until: datetime
) -> Iterator[FixityResult]:
    """Check originals, longest unread first, until the clock passes ``until`` or all are done.

    Yields each result as it comes, so that a killed sweep has lost only the one under way: the
    next begins with whatever this one did not reach.
    """
    while True:
        batch = list(
            StoredObject.objects.exclude(last_fixity_at__gte=started).order_by(
                F("last_fixity_at").asc(nulls_first=True), "sha256"
            )[:BATCH]
        )
        for stored in batch:
            if clock() >= until:
                return
            yield check(stored, now=max(clock(), started))
        if len(batch) < BATCH:
            return
