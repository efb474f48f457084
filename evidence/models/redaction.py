"""Redacted renditions: what is to be hidden, and what came of it."""

from __future__ import annotations

from django.db import models

from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.record import Record


class RedactionRequest(Record):
    """What is to be hidden in a rendition of a file."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="redactions")
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="+")
    #: {"regions": [{"left", "top", "right", "bottom" (thousandths), "style", "from_ms",
    #: "until_ms", "page"}], "sound": mute|lower|keep, "phrases": ["…"]}
    hidden = models.JSONField()
    reason = models.TextField()
    job = models.UUIDField(null=True, blank=True, editable=False)

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="redaction_has_a_reason")
        ]

    def __str__(self) -> str:
        return f"Rendition of {self.item.exhibit_number}"


class RedactionResult(Record):
    """The rendition that was made, or why there is none."""

    request = models.OneToOneField(
        RedactionRequest, on_delete=models.PROTECT, related_name="redaction_result"
    )
    rendition = models.OneToOneField(
        EvidenceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(max_length=40)
    reason = models.TextField(blank=True)
    isolation = models.CharField(max_length=100, blank=True)

    class Meta(Record.Meta):
        abstract = False

    def __str__(self) -> str:
        return self.outcome
