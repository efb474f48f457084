"""The order of sensitivity, least to most, and what protects a person in the material."""

from django.db import models


class Level(models.TextChoices):
    """Who may see: everyone, the archive's people, members with a purpose, named members."""

    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"
    RESTRICTED = "restricted", "Restricted"
    SEALED = "sealed", "Sealed"


#: Least to most sensitive.
ORDER = (Level.PUBLIC, Level.INTERNAL, Level.RESTRICTED, Level.SEALED)

#: The lowest level that material with this marker may have (Geneva Convention III, article 13,
#: and the archive's own rules).
MARKER_MINIMA = {
    "identifiable_pow": Level.RESTRICTED,
    "identifiable_detainee": Level.RESTRICTED,
    "humiliating_or_degrading": Level.SEALED,
    "minor": Level.SEALED,
    "medical": Level.RESTRICTED,
    "confidential_source": Level.SEALED,
    "family_at_risk": Level.RESTRICTED,
    "personal_identifiers": Level.RESTRICTED,
    "precise_location": Level.RESTRICTED,
    "graphic": Level.INTERNAL,
    "deceased_identifiable": Level.RESTRICTED,
    "device_identifiers": Level.RESTRICTED,
    "legally_privileged": Level.SEALED,
}


def highest(*levels: str) -> Level:
    """Return the most sensitive of ``levels``."""
    return max((Level(level) for level in levels), key=ORDER.index)
