"""Rows of one algorithm, as they are added: what a process has not read yet."""

from __future__ import annotations

from django.db.models import Max, QuerySet

from evidence.models.analysis import Fingerprint

#: Rows that are read again each time: transactions do not end in the order of their ids.
AGAIN = 200
_READ = 500


class Added:
    """Remembers how far rows were read.  For one thread at a time."""

    def __init__(self, algorithm: str, version: str) -> None:
        self._algorithm, self._version = algorithm, version
        self._last = 0
        self._recent: set[int] = set()

    def rows(self) -> QuerySet[Fingerprint]:
        """All rows of the algorithm."""
        return Fingerprint.objects.filter(algorithm=self._algorithm, version=self._version)

    def new(self) -> tuple[bool, list[tuple[int, str]]]:
        """Return the ids and values that were added, and whether to forget all that came before.

        The latter when another database was put in this one's place.
        """
        latest = self.rows().aggregate(latest=Max("pk"))["latest"] or 0
        is_another = latest < self._last
        if is_another:
            self._last, self._recent = 0, set()
        rows = self.rows().filter(pk__gt=self._last - AGAIN).exclude(pk__in=self._recent)
        found = list(rows.order_by("pk").values_list("pk", "value").iterator(chunk_size=_READ))
        self._last = max(self._last, latest)
        self._recent.update(pk for pk, _ in found)
        self._recent = {pk for pk in self._recent if pk > self._last - AGAIN}
        return is_another, found
