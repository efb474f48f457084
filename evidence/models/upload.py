"""Files on their way in: what was announced, how much of it is here, what became of it.

The bytes lie in the store's own file system, outside every content address, until the intake has
sealed them.  A row is no evidence and says nothing of custody; the receipt does.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.case import Case
from evidence.models.item import EvidenceItem


class Upload(models.Model):
    """One announced file.  ``offset`` bytes of it are durable and as they were sent."""

    class State(models.TextChoices):
        ARRIVING = "arriving", _("Arriving")
        SEALING = "sealing", _("Being sealed")
        RECEIVED = "received", _("Received")
        FAILED = "failed", _("Failed")
        ABANDONED = "abandoned", _("Abandoned")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploads"
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="uploads")
    filename = models.TextField(help_text=_("As given; never used as a path."))
    media_type = models.CharField(max_length=200, blank=True)
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    client_sha256 = models.CharField(max_length=64, blank=True)
    #: What a program calls this upload, so that announcing it again makes no other.
    client_key = models.CharField(max_length=64, blank=True, editable=False)
    fields = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.ARRIVING)
    reason = models.TextField(blank=True)
    item = models.ForeignKey(
        EvidenceItem, null=True, blank=True, on_delete=models.PROTECT, related_name="uploads"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["owner", "state"], name="uploads_by_owner_and_state"),
            models.Index(fields=["state", "updated_at"], name="uploads_by_state_and_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "client_key"],
                condition=~models.Q(client_key="") & ~models.Q(state="abandoned"),
                name="one_upload_of_a_key",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["arriving", "sealing", "received", "failed", "abandoned"]
                ),
                name="upload_state_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(offset__lte=models.F("length")),
                name="an_upload_holds_no_more_than_was_announced",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="received") | models.Q(item__isnull=False),
                name="a_received_upload_names_its_item",
            ),
            models.CheckConstraint(
                condition=models.Q(client_sha256="")
                | models.Q(client_sha256__regex=r"^[0-9a-f]{64}$"),
                name="upload_sha256_is_64_hex_or_unsaid",
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def path(self) -> Path:
        """Where the bytes assemble: named by the row alone, on the store's file system."""
        return Path(settings.STORE_DIR) / "uploads" / str(self.pk)
