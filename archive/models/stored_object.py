"""Which originals the archive keeps, one row for each distinct content."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class StoredObject(models.Model):
    """An original's digests and size as first measured, and how its last reading back went.

    The row is named by the SHA-256 of the bytes.  The state and the two fixity columns may change;
    everything else stays as it was first written (``archive.guards``).
    """

    class State(models.TextChoices):
        STORED = "stored", "Stored"
        DAMAGED = "damaged", "Damaged"
        MISSING = "missing", "Missing"

    class Fixity(models.TextChoices):
        INTACT = "intact", "Intact"
        DAMAGED = "damaged", "Damaged"
        MISSING = "missing", "Missing"
        UNREADABLE = "unreadable", "Could not be read"

    sha256 = models.CharField(primary_key=True, max_length=64, editable=False)
    sha512 = models.CharField(max_length=128, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    crc32 = models.PositiveBigIntegerField(editable=False)
    state = models.CharField(max_length=20, choices=State, default=State.STORED)
    first_stored_at = models.DateTimeField(editable=False)
    last_fixity_at = models.DateTimeField(null=True, blank=True)
    last_fixity_outcome = models.CharField(max_length=20, choices=Fixity, blank=True)

    class Meta:
        verbose_name = _("original")
        verbose_name_plural = _("originals")
        ordering = ["first_stored_at", "sha256"]
        indexes = [
            models.Index(fields=["last_fixity_at"], name="stored_by_last_fixity"),
            models.Index(fields=["last_fixity_outcome"], name="stored_by_fixity_outcome"),
            models.Index(fields=["state"], name="stored_by_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="stored_sha256_is_64_hex",
            ),
            models.CheckConstraint(
                condition=models.Q(sha512__regex=r"^[0-9a-f]{128}$"),
                name="stored_sha512_is_128_hex",
            ),
            models.CheckConstraint(
                condition=models.Q(crc32__gte=0, crc32__lt=2**32), name="stored_crc32_is_32_bits"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["stored", "damaged", "missing"]),
                name="stored_state_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    last_fixity_outcome__in=["", "intact", "damaged", "missing", "unreadable"]
                ),
                name="stored_fixity_outcome_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"sha256:{self.sha256}"
