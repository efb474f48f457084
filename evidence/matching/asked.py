"""What is asked about: the fingerprints of an item, or of a file that is not kept."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem


@dataclass(frozen=True)
class Asked:
    """Fingerprints, and what is to be left out of the answer or told apart in it."""

    fingerprints: tuple[Fingerprint, ...]
    digests: frozenset[str]  # SHA-256 of the files they are of
    item: EvidenceItem | None = None  # whose they are; it is no lead to itself
    is_of_a_form: bool = False  # an identity document, whose form others share

    def of(self, algorithm: str, version: str) -> list[Fingerprint]:
        """Return the fingerprints of one algorithm."""
        return [
            one for one in self.fingerprints if (one.algorithm, one.version) == (algorithm, version)
        ]


def about(item: EvidenceItem) -> Asked:
    """Ask about an item."""
    return Asked(
        fingerprints=tuple(Fingerprint.objects.filter(file__item=item)),
        digests=frozenset(item.files.values_list("sha256", flat=True)),
        item=item,
        is_of_a_form=item.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT,
    )
