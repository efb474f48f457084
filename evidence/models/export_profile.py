"""Export profiles: how much of an item leaves for a kind of recipient, version by version."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.record import Record, known


class Given(models.TextChoices):
    """How much of an item a recipient gets, the most first."""

    WHOLE = "whole", _("Everything")
    REDACTED = "redacted", _("Redacted renditions only")
    CUSTODY = "custody", _("The ledger's proofs only, no file")


class Part(models.TextChoices):
    """What a profile may leave out of items that leave otherwise as they are."""

    DESCRIPTION = "description", _("Title, description, dates and places")
    CIRCUMSTANCES = "circumstances", _("From whom it came, when and how")
    WORDS = "words", _("What is said or printed in it: statements, documents")
    CLAIMS = "claims", _("Claims, and how they were assessed")
    FINDINGS = "findings", _("What tools found in its files, such as positions and devices")
    RENDITIONS = "renditions", _("Redacted renditions")


#: Parts that the custody entries of an item don't tell; without any other, names may leave.
UNTOLD_BY_ENTRIES = frozenset({Part.RENDITIONS})


class ExportProfile(Record):
    """One version.  A later one supersedes it; a withdrawn one lets nothing more leave."""

    version = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    name = models.CharField(max_length=80)
    #: Of what is restricted or sealed or shows prisoners; never more than of the rest.
    sensitive = models.CharField(max_length=20, choices=Given)
    other = models.CharField(max_length=20, choices=Given)
    #: Whether personal values in the custody entries leave, too.
    discloses = models.BooleanField(default=False)
    leaves_out = models.JSONField(default=list)
    reason = models.TextField()
    withdrawn = models.BooleanField(default=False)

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            known("sensitive", Given, "profile_sensitive_is_known"),
            known("other", Given, "profile_other_is_known"),
            models.CheckConstraint(
                condition=models.Q(discloses=False)
                | models.Q(sensitive=Given.WHOLE, other=Given.WHOLE),
                name="profile_names_leave_with_everything_only",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="profile_has_a_name"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="profile_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"
