"""The upright fingerprints of all pictures and frames, packed in the memory of each process.

Rows are the truth.  What was added is taken in before each search, and what is found is compared
with the rows again by whoever asks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from django.db.models import Max, QuerySet

from evidence.fingerprints import PDQ, PDQ_VERSION
from evidence.fingerprints.packed import Packed
from evidence.matching.leads import QUALITY
from evidence.models.analysis import Fingerprint

#: Rows that are read again before each search: transactions do not end in the order of their ids.
_AGAIN = 2_000
BATCH = 500


class Kept:
    """The fingerprints as far as they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._packed = Packed()
        self._last = 0
        self._recent: set[int] = set()

    def within(self, values: Iterable[str], radius: int) -> tuple[set[int], int]:
        """Return the ids of rows that may be that near to a value, and how many rows there are."""
        with self._lock:
            self._catch_up()
            near = {pk for value in values for pk, _ in self._packed.within(value, radius)}
            return near, len(self._packed)

    def _catch_up(self) -> None:
        latest = Fingerprint.objects.aggregate(latest=Max("pk"))["latest"] or 0
        if latest < self._last:
            self._start()  # another database was put in this one's place
        rows = (
            rows_of_enough()
            .filter(pk__gt=self._last - _AGAIN)
            .exclude(pk__in=self._recent)
            .order_by("pk")
            .values_list("pk", "value")
        )
        new = list(rows.iterator(chunk_size=BATCH))
        self._packed.add(new)
        self._last = max(self._last, latest)
        self._recent.update(pk for pk, _ in new)
        self._recent = {pk for pk in self._recent if pk > self._last - _AGAIN}


KEPT = Kept()


def rows_of_enough() -> QuerySet[Fingerprint]:
    """Return the rows that can be found: upright, and with enough in them."""
    of_enough = Fingerprint.objects.filter(algorithm=PDQ, version=PDQ_VERSION, quality__gte=QUALITY)
    return of_enough.exclude(variant__contains="/")
