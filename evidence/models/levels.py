"""The order of sensitivity, least to most, and what protects a person in the material."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """Who may see: everyone, the archive's people, members with a purpose, named members."""

    PUBLIC = "public", _("Public")
    INTERNAL = "internal", _("Internal")
    RESTRICTED = "restricted", _("Restricted")
    SEALED = "sealed", _("Sealed")


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


MARKER_WORDS = {
    "identifiable_pow": _("identifiable prisoner of war"),
    "identifiable_detainee": _("identifiable detainee"),
    "humiliating_or_degrading": _("humiliating or degrading"),
    "minor": _("minor"),
    "medical": _("medical"),
    "confidential_source": _("confidential source"),
    "family_at_risk": _("family at risk"),
    "personal_identifiers": _("personal identifiers"),
    "precise_location": _("precise location"),
    "graphic": _("graphic"),
    "deceased_identifiable": _("identifiable deceased"),
    "device_identifiers": _("device identifiers"),
    "legally_privileged": _("legally privileged"),
}


def marker_in_words(marker: str) -> str:
    """Say what a marker means."""
    return str(MARKER_WORDS.get(marker, marker.replace("_", " ")))


def highest(*levels: str) -> Level:
    """Return the most sensitive of ``levels``."""
    return max((Level(level) for level in levels), key=ORDER.index)
