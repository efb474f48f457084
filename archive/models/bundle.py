"""A bundle that someone asked for: how far it is, and which bytes were offered in the end."""

from __future__ import annotations

import uuid

from django.db import models


class Bundle(models.Model):
    """One export's file.  Its state only goes forward; a verified bundle never changes.

    ``verified`` means: our own verifier passed the finished file, and ``storage_name`` in the
    bundles' storage holds exactly the bytes of ``sha256``.  Purpose and recipient stand with the
    catalogue's row and, salted, in the ledger; this row names nobody.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "Requested"
        WRITING = "writing", "Being written"
        VERIFIED = "verified", "Verified"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=20, choices=State, default=State.REQUESTED)
    profile = models.CharField(max_length=40, default="full")
    reason = models.TextField(blank=True, help_text="Why it failed, in words.")
    requested_by = models.CharField(max_length=40, help_text="The actor's opaque id.")
    progress_done = models.PositiveBigIntegerField(default=0, help_text="Bytes written so far.")
    progress_total = models.PositiveBigIntegerField(default=0, help_text="Bytes to write.")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    file_count = models.PositiveIntegerField(null=True, blank=True)
    storage_name = models.CharField(max_length=300, blank=True)
    checkpoint_size = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Size of the log whose signed head the bundle carries."
    )
    verdict = models.CharField(
        max_length=40, blank=True, help_text="What our own verifier said of the finished file."
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["requested", "writing", "verified", "failed"]),
                name="bundle_state_is_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="verified")
                | (
                    models.Q(
                        sha256__regex=r"^[0-9a-f]{64}$",
                        size__isnull=False,
                        checkpoint_size__isnull=False,
                    )
                    & ~models.Q(storage_name="")
                ),
                name="a_verified_bundle_names_its_bytes_and_its_checkpoint",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(reason=""),
                name="a_failed_bundle_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"Bundle {str(self.pk)[:8]} ({self.get_state_display()})"
