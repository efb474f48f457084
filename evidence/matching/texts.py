"""Texts with the same wording, and texts that quote from others."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet

from evidence import access
from evidence.fingerprints import WORDING, WORDING_VERSION
from evidence.fingerprints.sketches import LEAST, Likeness, Sketch, Sketches, likeness
from evidence.matching.asked import Asked
from evidence.matching.rows import Added
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem

STRONG = 0.5  # of all that either says
REVIEW = 0.21
QUOTES = 0.4  # of the shorter one
_BATCH = 200


@dataclass(frozen=True)
class TextLead:
    """Another item with a text that has much in common with this one's."""

    item: EvidenceItem
    likeness: Likeness
    same_bytes: bool

    @property
    def is_strong(self) -> bool:
        return self.likeness.jaccard >= STRONG

    @property
    def quotes(self) -> bool:
        """One of them holds much of the other, and says much more."""
        return not self.is_strong and self.likeness.quoted >= QUOTES


class KeptTexts:
    """The sketches of all texts, as far as they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added = Added(WORDING, WORDING_VERSION)
        self._sketches = Sketches()

    def places(self, asked: Sketch) -> list[int]:
        """Return the ids of rows that may have something in common."""
        with self._lock:
            is_another, new = self._added.new()
            if is_another:
                self._sketches = Sketches()
            self._sketches.add((pk, Sketch.from_hex(value)) for pk, value in new)
            return self._sketches.places(asked)


KEPT = KeptTexts()


def _rows() -> QuerySet[Fingerprint]:
    return Fingerprint.objects.filter(algorithm=WORDING, version=WORDING_VERSION)


def leads(asked: Asked, *, user: User) -> list[TextLead]:
    """Return the items that ``user`` may view with such texts, those with most in common first."""
    found: dict[EvidenceItem, TextLead] = {}
    for row in asked.of(WORDING, WORDING_VERSION):
        for lead in _of(Sketch.from_hex(row.value), asked, user):
            best = found.get(lead.item)
            if best is None or lead.likeness.quoted > best.likeness.quoted:
                found[lead.item] = lead
    return sorted(
        found.values(),
        key=lambda one: (-one.likeness.jaccard, -one.likeness.quoted, one.item.exhibit_number),
    )


def _of(sketch: Sketch, asked: Asked, user: User) -> list[TextLead]:
    found = []
    ids = KEPT.places(sketch)
    for start in range(0, len(ids), _BATCH):
        some = _rows().filter(
            pk__in=ids[start : start + _BATCH], file__item__in=access.visible_to(user, "view")
        )
        some = some.exclude(file__item=asked.item) if asked.item else some
        for row in some.select_related("file__item__case"):
            alike = likeness(sketch, Sketch.from_hex(row.value))
            if alike.shared >= LEAST and (alike.jaccard >= REVIEW or alike.quoted >= QUOTES):
                found.append(TextLead(row.file.item, alike, row.file.sha256 in asked.digests))
    return found
