"""What someone asked to leave the archive, for whom and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from archive.models.bundle import Bundle
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.release import ReleaseDecision


class Export(models.Model):
    """A selection of one case's items, its purpose and recipient, and the bundle it becomes."""

    bundle = models.OneToOneField(
        Bundle, primary_key=True, on_delete=models.PROTECT, related_name="export"
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="exports")
    items = models.ManyToManyField(EvidenceItem, related_name="exports")
    purpose = models.TextField()
    recipient = models.CharField(max_length=300)
    #: The authorisation by which it leaves; none for what needs none.
    release = models.ForeignKey(
        ReleaseDecision, null=True, blank=True, on_delete=models.PROTECT, related_name="exports"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField()

    class Meta:
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"{self.case.reference} for {self.recipient}"
