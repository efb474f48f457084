"""What a person decided about two items after comparing them.  Rows are added, never changed."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.agent import Agent
from evidence.models.item import EvidenceItem


class Match(models.Model):
    """A decision about a pair; the newest of a pair stands."""

    class Decision(models.TextChoices):
        SAME_CONTENT = "same_content", _("The same content")
        DERIVED = "derived", _("One was made from the other")
        DIFFERENT = "different", _("Not the same")
        UNSURE = "unsure", _("Can't be told")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: The pair in the order of their ids, so that either finds it.
    first = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=20, choices=Decision)
    reason = models.TextField()
    #: What was shown when it was decided: algorithms, distances, offsets.
    shown = models.JSONField(default=dict)
    decided_by = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    #: Goes into the digest that the ledger names, so that nobody can guess what it is of.
    salt = models.CharField(max_length=64, editable=False)

    class Meta:
        ordering = ["-decided_at"]
        verbose_name_plural = "matches"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="match_pair_is_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(decision__in=["same_content", "derived", "different", "unsure"]),
                name="match_decision_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.get_decision_display()
