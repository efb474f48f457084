"""Leads: what looks, sounds or reads alike among what one may see.  Never that it is the same."""

from __future__ import annotations

from django.contrib.auth.models import User

from evidence.fingerprints import CHROMAPRINT, PDQ, WORDING
from evidence.matching import pictures, sounds, texts
from evidence.matching.asked import Asked, about
from evidence.matching.clusters import Cluster, clusters
from evidence.matching.leads import REVIEW, STRONG, Lead, by_chance
from evidence.matching.sounds import SoundLead
from evidence.matching.texts import TextLead
from evidence.models.item import EvidenceItem

__all__ = [
    "REVIEW",
    "STRONG",
    "Asked",
    "Cluster",
    "Lead",
    "SoundLead",
    "TextLead",
    "about",
    "by_chance",
    "by_hearing",
    "by_sight",
    "by_wording",
    "clusters",
    "compares",
]


def by_sight(what: EvidenceItem | Asked, *, user: User) -> list[Lead]:
    """Return what looks alike, the nearest first."""
    return pictures.leads(_asked(what), user=user)


def by_hearing(what: EvidenceItem | Asked, *, user: User) -> list[SoundLead]:
    """Return what sounds the same for some seconds, the longest first."""
    return sounds.leads(_asked(what), user=user)


def by_wording(what: EvidenceItem | Asked, *, user: User) -> list[TextLead]:
    """Return what has much of the same wording, most of it first."""
    return texts.leads(_asked(what), user=user)


def compares(asked: Asked) -> dict[str, bool]:
    """Say by what something can be compared with others: sight, hearing, wording."""
    kinds = {one.algorithm for one in asked.fingerprints}
    return {"sees": PDQ in kinds, "hears": CHROMAPRINT in kinds, "reads": WORDING in kinds}


def _asked(what: EvidenceItem | Asked) -> Asked:
    return about(what) if isinstance(what, EvidenceItem) else what
