"""Where information comes from; channels that repeat one original form one group."""

from __future__ import annotations

import uuid

from django.db import models

from evidence.models.agent import Agent


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
    name = models.CharField(max_length=200)
    agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="sources"
    )
    platform = models.CharField(max_length=100, blank=True)
    handle = models.CharField(max_length=200, blank=True)
    canonical_url = models.CharField(max_length=2000, blank=True)
    independence_group = models.CharField(
        max_length=100,
        blank=True,
        help_text="Channels that repeat one original share a group and count once.",
    )
    confidential = models.BooleanField(default=False)

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
        return self.name
