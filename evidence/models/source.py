"""Where information comes from; channels that repeat one original form one group."""

from __future__ import annotations

import uuid

from django.db import models

from evidence.models.agent import Agent
from evidence.models.protected_text import ProtectedText


class Source(models.Model):
    """An origin of information.  Its reliability is assessed elsewhere, never typed in here."""

    class Kind(models.TextChoices):
        SECURITY_SERVICE = "security_service", "Security service"
        ARMED_FORCES = "armed_forces", "Armed forces"
        MEDIA = "media", "Media"
        SOCIAL_ACCOUNT = "social_account", "Social account"
        WITNESS = "witness", "Witness"
        DETAINEE = "detainee", "Detainee"
        OFFICIAL = "official", "Official"
        NGO = "ngo", "Non-governmental organisation"
        ARCHIVE = "archive", "Archive"
        UNKNOWN = "unknown", "Unknown"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.UNKNOWN)
    name = ProtectedText(max_length=200, protected_by="confidential")
    agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="sources"
    )
    platform = models.CharField(max_length=100, blank=True)
    handle = ProtectedText(max_length=200, blank=True, protected_by="confidential")
    canonical_url = ProtectedText(max_length=2000, blank=True, protected_by="confidential")
    independence_group = models.CharField(
        max_length=100,
        blank=True,
        help_text="Channels that repeat one original share a group and count once.",
    )
    confidential = models.BooleanField(
        default=False, help_text="Name, handle and address are enciphered in the database."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=[
                        "security_service",
                        "armed_forces",
                        "media",
                        "social_account",
                        "witness",
                        "detainee",
                        "official",
                        "ngo",
                        "archive",
                        "unknown",
                    ]
                ),
                name="source_kind_is_known",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="source_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"Confidential source {self.pk}" if self.confidential else self.name

    @property
    def shown(self) -> str:
        """Return what a page of a case shows: a confidential source has no name there."""
        return "a confidential source" if self.confidential else str(self.name)
