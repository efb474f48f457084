"""Leads: what looks or sounds alike among what one may see.  Never that it is the same."""

from __future__ import annotations

from evidence.fingerprints import CHROMAPRINT, PDQ, WORDING
from evidence.matching.leads import REVIEW, STRONG, Lead, by_chance
from evidence.matching.pictures import leads as by_sight
from evidence.matching.sounds import SoundLead
from evidence.matching.sounds import leads as by_hearing
from evidence.matching.texts import TextLead
from evidence.matching.texts import leads as by_wording
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem

__all__ = [
    "REVIEW",
    "STRONG",
    "Lead",
    "SoundLead",
    "TextLead",
    "by_chance",
    "by_hearing",
    "by_sight",
    "by_wording",
    "compares",
]


def compares(item: EvidenceItem) -> dict[str, bool]:
    """Say by what an item can be compared with others: sight, hearing, wording."""
    kinds = set(
        Fingerprint.objects.filter(file__item=item).values_list("algorithm", flat=True).distinct()
    )
    return {"sees": PDQ in kinds, "hears": CHROMAPRINT in kinds, "reads": WORDING in kinds}
