"""Sounds that agree: the same speech in another film, encoded anew, cut, under other noise.

Rows are the truth.  Each process keeps the sequences in memory, takes in what was added before each
search, and compares the places that it found with the rows again.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import User
from django.db.models import QuerySet

from evidence import access
from evidence.fingerprints import CHROMAPRINT, CHROMAPRINT_VERSION, ITEMS_A_SECOND
from evidence.fingerprints.sequences import Agreement, Items, Sequences, best
from evidence.matching.asked import Asked
from evidence.matching.rows import Added
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem

STRONG_SECONDS = 10  # that agree
SHARE = 0.8  # or so much of the shorter
_BATCH = 100


@dataclass(frozen=True)
class SoundLead:
    """Another item in which one hears the same as in this one, for some seconds."""

    item: EvidenceItem
    seconds: float  # that agree, without a break
    asked_at_ms: int  # from when, in this item
    found_at_ms: int  # and in the other
    error: float  # bits of 32 that differ, in the mean
    shorter: float  # seconds of the shorter of the two
    same_bytes: bool

    @property
    def is_strong(self) -> bool:
        return self.seconds >= min(STRONG_SECONDS, SHARE * self.shorter)


class KeptSounds:
    """The sequences of all sounds, as far as they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added = Added(CHROMAPRINT, CHROMAPRINT_VERSION)
        self._sequences = Sequences()

    def places(self, asked: Items) -> list[tuple[int, int]]:
        """Return the ids of rows and the offsets at which they may agree."""
        with self._lock:
            is_another, new = self._added.new()
            if is_another:
                self._sequences = Sequences()
            for pk, value in new:
                self._sequences.add(pk, _items(value))
            return self._sequences.places(asked)


KEPT = KeptSounds()


def _rows() -> QuerySet[Fingerprint]:
    return Fingerprint.objects.filter(algorithm=CHROMAPRINT, version=CHROMAPRINT_VERSION)


def _items(value: str) -> Items:
    return np.frombuffer(bytes.fromhex(value), ">u4").astype(np.uint32)


def leads(asked: Asked, *, user: User) -> list[SoundLead]:
    """Return the items that ``user`` may view in which one hears the same, the longest first."""
    found: dict[EvidenceItem, SoundLead] = {}
    for row in asked.of(CHROMAPRINT, CHROMAPRINT_VERSION):
        for lead in _of(_items(row.value), asked, user):
            longest = found.get(lead.item)
            if longest is None or lead.seconds > longest.seconds:
                found[lead.item] = lead
    return sorted(found.values(), key=lambda one: (-one.seconds, one.item.exhibit_number))


def _of(items: Items, asked: Asked, user: User) -> list[SoundLead]:
    offsets: dict[int, list[int]] = defaultdict(list)
    for pk, offset in KEPT.places(items):
        offsets[pk].append(offset)
    found = []
    ids = sorted(offsets)
    for start in range(0, len(ids), _BATCH):
        some = _rows().filter(
            pk__in=ids[start : start + _BATCH], file__item__in=access.visible_to(user, "view")
        )
        some = some.exclude(file__item=asked.item) if asked.item else some
        for row in some.select_related("file__item__case"):
            other = _items(row.value)
            agreed = best(items, ((other, offset) for offset in offsets[row.pk]))
            if agreed is not None:
                shorter = min(len(items), len(other)) / ITEMS_A_SECOND
                found.append(_lead(agreed, row, shorter, asked))
    return found


def _lead(agreed: Agreement, row: Fingerprint, shorter: float, asked: Asked) -> SoundLead:
    return SoundLead(
        item=row.file.item,
        seconds=agreed.items / ITEMS_A_SECOND,
        asked_at_ms=round(1000 * agreed.begin / ITEMS_A_SECOND),
        found_at_ms=round(1000 * agreed.other_begin / ITEMS_A_SECOND),
        error=agreed.error,
        shorter=shorter,
        same_bytes=row.file.sha256 in asked.digests,
    )
