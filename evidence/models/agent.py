"""Whoever takes part: people, organisations, services, software (PREMIS agent, UCO performer)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.models.protected_text import ProtectedText


class Agent(models.Model):
    """A party to custody, named to the ledger only by an opaque id."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        ORGANISATION = "organisation", _("Organisation")
        SERVICE = "service", _("Service")
        SOFTWARE = "software", _("Software")
        UNKNOWN = "unknown", _("Unknown")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.UNKNOWN)
    label = ProtectedText(_("label"), max_length=200, protected_by="is_protected")
    role_title = models.CharField(_("role title"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="members"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="agent",
    )
    software_version = models.CharField(_("software version"), max_length=100, blank=True)
    identifier = models.CharField(
        _("identifier"),
        max_length=200,
        blank=True,
        help_text=_("Badge number, key fingerprint, address."),
    )
    is_protected = models.BooleanField(
        _("is protected"),
        default=False,
        help_text=_("The label must not leave the archive, and is enciphered in the database."),
    )

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        ordering = ["label"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=["person", "organisation", "service", "software", "unknown"]
                ),
                name="agent_kind_is_known",
            ),
            models.CheckConstraint(condition=~models.Q(label=""), name="agent_has_a_label"),
        ]

    def __str__(self) -> str:
        return self.public_label  # also what Django's own log of changes keeps

    @property
    def opaque_id(self) -> str:
        """The id under which the custody ledger knows this agent."""
        return f"a-{self.id.hex}"

    @property
    def shown(self) -> str:
        """Return what a page of the case shows: the names of protected parties stay away."""
        return gettext("somebody whose name is protected") if self.is_protected else str(self.label)

    @property
    def public_label(self) -> str:
        """What may leave the archive: the label, or the opaque id of a protected agent."""
        return self.opaque_id if self.is_protected else self.label
