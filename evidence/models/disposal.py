"""Holds that keep an item from disposal, and disposals that two people make."""

from __future__ import annotations

from django.db import models

from evidence.models.item import EvidenceItem
from evidence.models.record import Record


class Hold(Record):
    """Something that keeps an item where it is: a proceeding, an order."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="holds")
    authority = models.CharField(max_length=300)
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False

    def __str__(self) -> str:
        return self.authority


class HoldLift(Record):
    """The end of a hold."""

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="lift")
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False

    def __str__(self) -> str:
        return "Lifted"


class DisposalProposal(Record):
    """A wish that an item be disposed of, with its authority and a witness outside the chain."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="disposals")
    authority = models.CharField(max_length=300)
    reason = models.TextField()
    witness = models.CharField(max_length=300)

    class Meta(Record.Meta):
        abstract = False

    def __str__(self) -> str:
        return self.authority


class DisposalDecision(Record):
    """What another person decided about a proposal; one for each."""

    proposal = models.OneToOneField(
        DisposalProposal, on_delete=models.PROTECT, related_name="disposal_decision"
    )
    approved = models.BooleanField()
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False

    def __str__(self) -> str:
        return "Approved" if self.approved else "Refused"
