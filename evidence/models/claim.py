"""What is claimed, atom by atom: by whom, through whom, and what speaks for and against it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.record import Record, known
from evidence.models.statement import SegmentText, StatementSegment


class ClaimKind(models.TextChoices):
    """What a claim is about."""

    IDENTITY = "identity", _("Identity")
    EVENT = "event", _("Event")
    PLACE = "place", _("Place")
    TIME = "time", _("Time")
    UNIT = "unit", _("Unit")
    INJURY = "injury", _("Injury")
    DOCUMENT = "document", _("Document")
    OTHER = "other", _("Other")


class PositionBasis(models.TextChoices):
    """What the position of a claimed place rests on."""

    NAMED = "named", _("Where the place that the words name lies")
    CLAIMED = "claimed", _("Given by whoever claims it")
    GEOLOCATED = "geolocated", _("Found by comparing pictures with the ground")
    EXIF = "exif", _("Embedded metadata")


class Claim(Record):
    """One thing that somebody says is so.  It is never shown as a fact."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=20, choices=ClaimKind, default=ClaimKind.OTHER)
    text = models.TextField()
    #: Whom and what it is about, who made it and who reported it, nearest to the maker first:
    #: [{"person"|"agent"|"item": id}] or [{"words": "one of the two"}].
    about = models.JSONField(default=list, blank=True)
    made_by = models.JSONField(default=list, blank=True)
    reported_by = models.JSONField(default=list, blank=True)
    asserted_in = models.ForeignKey(
        EvidenceItem, null=True, blank=True, on_delete=models.PROTECT, related_name="claims"
    )
    #: The words that it rests on, in the language in which they were read.
    words = models.ForeignKey(
        SegmentText, null=True, blank=True, on_delete=models.PROTECT, related_name="claims"
    )
    locator = models.CharField(max_length=200, blank=True)
    asserted_at = models.CharField(max_length=60, blank=True, help_text=_("EDTF."))
    #: Where and when what is claimed happened, as claimed.
    happened_at = models.CharField(max_length=60, blank=True, help_text=_("EDTF, with its offset."))
    happened_where = models.CharField(max_length=300, blank=True)
    #: The position as it was written, hemispheres and all; it is read when it is shown.
    position = models.CharField(max_length=80, blank=True)
    position_within_m = models.PositiveIntegerField(null=True, blank=True)
    position_basis = models.CharField(max_length=20, blank=True, choices=PositionBasis)

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            known("kind", ClaimKind, "claim_kind_is_known"),
            known("position_basis", PositionBasis, "claim_position_basis_is_known", or_empty=True),
            models.CheckConstraint(condition=~models.Q(text=""), name="claim_says_something"),
        ]

    def __str__(self) -> str:
        return self.text


class Bearing(models.TextChoices):
    """What evidence does to a claim."""

    SUPPORTS = "supports", _("Supports")
    CONTRADICTS = "contradicts", _("Contradicts")
    CONTEXT = "context", _("Context")


class ClaimEvidence(Record):
    """An item, or a passage of it, that speaks for or against a claim."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="evidence")
    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="speaks_to")
    segment = models.ForeignKey(
        StatementSegment, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    other_claim = models.ForeignKey(
        Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    bearing = models.CharField(max_length=20, choices=Bearing)
    #: Entries of one group repeat one origin and count once.
    independence_group = models.CharField(max_length=100)
    note = models.TextField(blank=True)

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            known("bearing", Bearing, "claim_evidence_bearing_is_known"),
            models.CheckConstraint(
                condition=~models.Q(independence_group=""), name="claim_evidence_has_a_group"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_bearing_display()}: {self.item.exhibit_number}"
