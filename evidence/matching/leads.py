"""What a lead is: another item, how near it is, and what was compared.  Never an identity."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.fingerprints.aligning import Overlay
from evidence.models.item import EvidenceItem

STRONG = 31  # bits of 256: the published threshold
REVIEW = 48  # as far as a person should look
QUALITY = 50  # below it a picture has too little in it
SECONDS = 5  # of two films that agree at one offset: a strong lead
SHARE = 0.8  # or so much of one of them


@dataclass(frozen=True)
class Lead:
    """Another item with a picture, or frames, like this one's."""

    item: EvidenceItem
    distance: int  # bits of 256; of two films, the median of the frames that agree
    asked: str  # what of this item's picture was compared, and in which position
    found: str  # with what of the other's
    same_bytes: bool
    by_chance: float  # how many unrelated ones a search among as many finds, about
    is_of_a_form: bool = False  # identity documents of one form look alike, whoever bears them
    asked_at_ms: int | None = None  # where in this item's film, if it is one
    found_at_ms: int | None = None  # and in the other's
    asked_page: int | None = None  # on which page of this item's document, if it is one
    found_page: int | None = None  # and of the other's
    overlay: Overlay | None = None  # how two films lie over one another

    @property
    def is_strong(self) -> bool:
        if self.is_of_a_form:
            return False
        if self.overlay is None:
            return self.distance <= STRONG
        shorter = min(self.overlay.frames, self.overlay.others)
        return self.overlay.strong >= min(SECONDS, SHARE * shorter)


def by_chance(apart: int, compared: int) -> float:
    """Return about how many unrelated pictures are within that distance, among so many compared.

    From 120,786 pairs of photographs, asked about in eight positions: 3.5 in a million at 31 bits
    for a million compared, and ten times as many for each further 7.7 bits.  Series of photographs,
    forms and screens are related, and found more often.
    """
    return float(3.5e-6 * compared / 1e6 * 10 ** ((apart - STRONG) / 7.7))
