"""Leads: what looks or sounds alike among what one may see.  Never that it is the same."""

from __future__ import annotations

from evidence.fingerprints import CHROMAPRINT, PDQ
from evidence.matching.leads import REVIEW, STRONG, Lead, by_chance
from evidence.matching.pictures import leads as by_sight
from evidence.matching.sounds import SoundLead
from evidence.matching.sounds import leads as by_hearing
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem

__all__ = [
    "REVIEW",
    "STRONG",
    "Lead",
    "SoundLead",
    "by_chance",
    "by_hearing",
    "by_sight",
    "compares",
]


def compares(item: EvidenceItem) -> dict[str, bool]:
    """Say whether an item has anything to be compared with others by sight, and by hearing."""
    kinds = set(
        Fingerprint.objects.filter(file__item=item).values_list("algorithm", flat=True).distinct()
    )
    return {"sees": PDQ in kinds, "hears": CHROMAPRINT in kinds}
