"""Leads: pictures that look alike among those one may see.  Never that they are the same picture.

Rows are the truth.  Each process keeps the fingerprints packed in memory, takes in what was added
before each search, and compares what it found with the rows again.  A picture is asked about in
eight positions, with and without its border, and cut; it is found by what was kept of it upright.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.db.models import Max, QuerySet

from evidence import access
from evidence.fingerprints import PDQ, PDQ_VERSION
from evidence.fingerprints.packed import Packed, distance
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem

STRONG = 31  # bits of 256: the published threshold
REVIEW = 48  # as far as a person should look
QUALITY = 50  # below it a picture has too little in it
#: Rows that are read again before each search: transactions do not end in the order of their ids.
_AGAIN = 2_000
_BATCH = 500


@dataclass(frozen=True)
class Lead:
    """Another item with a picture like this one."""

    item: EvidenceItem
    distance: int  # bits of 256
    asked: str  # what of this item's picture was compared, and in which position
    found: str  # with what of the other's
    same_bytes: bool
    by_chance: float  # how many unrelated ones a search among as many finds, about

    is_of_a_form: bool = False  # identity documents of one form look alike, whoever bears them

    @property
    def is_strong(self) -> bool:
        return self.distance <= STRONG and not self.is_of_a_form


class _Index:
    """The upright fingerprints of every picture, packed, as far as they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._packed = Packed()
        self._last = 0
        self._recent: set[int] = set()

    def within(self, values: Iterable[str]) -> tuple[set[int], int]:
        """Return the ids of rows that may be within REVIEW of a value, and how many there are."""
        with self._lock:
            self._catch_up()
            near = {pk for value in values for pk, _ in self._packed.within(value, REVIEW)}
            return near, len(self._packed)

    def _catch_up(self) -> None:
        latest = Fingerprint.objects.aggregate(latest=Max("pk"))["latest"] or 0
        if latest < self._last:
            self._start()  # another database was put in this one's place
        rows = (
            _kept()
            .filter(pk__gt=self._last - _AGAIN)
            .exclude(pk__in=self._recent)
            .order_by("pk")
            .values_list("pk", "value")
        )
        new = list(rows.iterator(chunk_size=_BATCH))
        self._packed.add(new)
        self._last = max(self._last, latest)
        self._recent.update(pk for pk, _ in new)
        self._recent = {pk for pk in self._recent if pk > self._last - _AGAIN}


_INDEX = _Index()


def _kept() -> QuerySet[Fingerprint]:
    of_enough = Fingerprint.objects.filter(algorithm=PDQ, version=PDQ_VERSION, quality__gte=QUALITY)
    return of_enough.exclude(variant__contains="/")


def leads(item: EvidenceItem, *, user: User) -> list[Lead]:
    """Return the items with pictures like this item's that ``user`` may view, nearest first.

    None for an item without a picture, or with one that has too little in it.
    """
    asked = list(
        Fingerprint.objects.filter(
            file__item=item,
            algorithm=PDQ,
            version=PDQ_VERSION,
            quality__gte=QUALITY,
        )
    )
    if not asked:
        return []
    near, compared = _INDEX.within({one.value for one in asked})
    own = set(item.files.values_list("sha256", flat=True))
    found: dict[EvidenceItem, Lead] = {}
    ids = sorted(near)
    for start in range(0, len(ids), _BATCH):
        rows = _kept().filter(
            pk__in=ids[start : start + _BATCH], file__item__in=access.visible_to(user, "view")
        )
        for row in rows.exclude(file__item=item).select_related("file__item__case"):
            lead = _nearest(row, asked, compared)
            lead = replace(
                lead,
                same_bytes=row.file.sha256 in own,
                is_of_a_form=EvidenceItem.Kind.IDENTITY_DOCUMENT in {item.kind, lead.item.kind},
            )
            best = found.get(lead.item)
            if lead.distance <= REVIEW and (best is None or lead.distance < best.distance):
                found[lead.item] = lead
    return sorted(found.values(), key=lambda lead: (lead.distance, lead.item.exhibit_number))


def _nearest(row: Fingerprint, asked: list[Fingerprint], compared: int) -> Lead:
    apart, variant = min((distance(one.value, row.value), one.variant) for one in asked)
    return Lead(
        item=row.file.item,
        distance=apart,
        asked=variant,
        found=row.variant,
        same_bytes=False,
        by_chance=by_chance(apart, compared),
    )


def by_chance(apart: int, compared: int) -> float:
    """Return about how many unrelated pictures are within that distance, among so many compared.

    From 120,786 pairs of photographs, asked about in eight positions: 3.5 in a million at 31 bits
    for a million compared, and ten times as many for each further 7.7 bits.  Series of photographs,
    forms and screens are related, and found more often.
    """
    return float(3.5e-6 * compared / 1e6 * 10 ** ((apart - STRONG) / 7.7))
