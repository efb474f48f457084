"""A wish that an item be protected less, and why.  Another person decides."""

from __future__ import annotations

from django.db import models

from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.models.record import Record, known


class LoweringRequest(Record):
    """What was asked; whether it was granted is another row."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="lowerings")
    #: What stood when it was asked: protected more since, the item needs another request.
    level_before = models.CharField(max_length=20, choices=Level)
    markers_before = models.JSONField(default=list, blank=True)
    level = models.CharField(max_length=20, choices=Level)
    #: The markers that would remain.
    markers = models.JSONField(default=list, blank=True)
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            known("level", Level, "lowering_level_is_known"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="lowering_has_a_reason"),
        ]

    def __str__(self) -> str:
        return self.get_level_display()


class LoweringDecision(Record):
    """What another person decided about a request; one for each."""

    request = models.OneToOneField(
        LoweringRequest, on_delete=models.PROTECT, related_name="lowering_decision"
    )
    granted = models.BooleanField()
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="lowering_decision_has_a_reason"
            )
        ]

    def __str__(self) -> str:
        return "Granted" if self.granted else "Refused"
