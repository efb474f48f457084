"""Which bytes belong to an item, and in which role.  Rows are written once."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from archive.models.stored_object import StoredObject
from evidence.models.item import EvidenceItem


class EvidenceFile(models.Model):
    """An item's copy of some bytes: the evidentiary copy, or one derived from it.

    Evidentiary bytes lie in the archive's store under ``stored``; derived bytes lie in the
    derivatives' storage under ``storage_name``.  A trigger refuses UPDATE and DELETE.
    """

    class Role(models.TextChoices):
        EVIDENTIARY = "evidentiary", _("Evidentiary copy")
        WORKING = "working", _("Working copy")
        DERIVATIVE = "derivative", _("Derivative")
        REDACTED = "redacted", _("Redacted rendition")
        SIDECAR = "sidecar", _("Sidecar")
        PROOF = "proof", _("Proof")

    class Declared(models.TextChoices):
        MATCH = "match", _("Equal to the sender's digest")
        MISMATCH = "mismatch", _("Different from the sender's digest")
        NOT_DECLARED = "not_declared", _("No digest given by the sender")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="files")
    role = models.CharField(max_length=20, choices=Role)
    stored = models.ForeignKey(
        StoredObject, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    storage_name = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=200, blank=True)
    original_filename = models.TextField(blank=True, help_text=_("As given; never used as a path."))
    derived_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="derivatives"
    )
    derivation = models.CharField(max_length=40, blank=True)
    tool = models.CharField(max_length=200, blank=True)
    tool_parameters = models.JSONField(default=dict, blank=True)
    declared_hash = models.CharField(max_length=200, blank=True)
    declared_match = models.CharField(
        max_length=20, choices=Declared, default=Declared.NOT_DECLARED
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(role="evidentiary")
                | models.Q(derived_from__isnull=True, stored__isnull=False),
                name="an_evidentiary_copy_is_derived_from_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    role__in=[
                        "evidentiary",
                        "working",
                        "derivative",
                        "redacted",
                        "sidecar",
                        "proof",
                    ]
                ),
                name="file_role_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="file_sha256_is_64_hex"
            ),
        ]

    def __str__(self) -> str:
        return self.original_filename or self.storage_name
