"""Where information comes from; channels that repeat one original form one group."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.models.agent import Agent
from evidence.models.protected_text import ProtectedText


class Source(models.Model):
    """An origin of information.  Its reliability is assessed elsewhere, never typed in here."""

    class Kind(models.TextChoices):
        SECURITY_SERVICE = "security_service", _("Security service")
        ARMED_FORCES = "armed_forces", _("Armed forces")
        MEDIA = "media", _("Media")
        SOCIAL_ACCOUNT = "social_account", _("Social account")
        WITNESS = "witness", _("Witness")
        DETAINEE = "detainee", _("Detainee")
        OFFICIAL = "official", _("Official")
        NGO = "ngo", _("Non-governmental organisation")
        ARCHIVE = "archive", _("Archive")
        UNKNOWN = "unknown", _("Unknown")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.UNKNOWN)
    name = ProtectedText(_("name"), max_length=200, protected_by="confidential")
    agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="sources"
    )
    platform = models.CharField(_("platform"), max_length=100, blank=True)
    handle = ProtectedText(_("handle"), max_length=200, blank=True, protected_by="confidential")
    canonical_url = ProtectedText(
        _("canonical URL"), max_length=2000, blank=True, protected_by="confidential"
    )
    independence_group = models.CharField(
        _("independence group"),
        max_length=100,
        blank=True,
        help_text=_("Channels that repeat one original share a group and count once."),
    )
    confidential = models.BooleanField(
        _("confidential"),
        default=False,
        help_text=_("Name, handle and address are enciphered in the database."),
    )

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
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
        return gettext("a confidential source") if self.confidential else str(self.name)
