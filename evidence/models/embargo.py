"""Embargoes: until when nothing of an item leaves, whoever authorises it."""

from __future__ import annotations

from django.db import models

from evidence.models.item import EvidenceItem
from evidence.models.record import Record


class Embargo(Record):
    """Until when nothing leaves.  A later row supersedes it; one without a time has ended it."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="embargoes")
    until = models.DateTimeField(null=True, blank=True)
    authority = models.CharField(max_length=300, blank=True)
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="embargo_has_a_reason")
        ]

    def __str__(self) -> str:
        return f"{self.until:%Y-%m-%d %H:%M} UTC" if self.until else "Ended"
