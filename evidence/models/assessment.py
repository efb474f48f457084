"""What an assessor makes of a claim, a source, or a document, on the two axes of the Admiralty."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.claim import Claim
from evidence.models.identity_document import Authenticity, HolderRelation
from evidence.models.item import EvidenceItem
from evidence.models.record import Record, known
from evidence.models.source import Source


class Standing(models.TextChoices):
    """How far something is supported."""

    UNASSESSED = "unassessed", _("Not assessed")
    UNCORROBORATED = "uncorroborated", _("Uncorroborated")
    PARTLY = "partly_corroborated", _("Partly corroborated")
    CORROBORATED = "corroborated", _("Corroborated")
    DISPUTED = "disputed", _("Disputed")
    REFUTED = "refuted", _("Refuted")
    UNVERIFIABLE = "unverifiable", _("Can't be verified")


class Reliability(models.TextChoices):
    """The source's reliability (NATO STANAG 2511), by itself."""

    A = "A", _("A: completely reliable")
    B = "B", _("B: usually reliable")
    C = "C", _("C: fairly reliable")
    D = "D", _("D: not usually reliable")
    E = "E", _("E: unreliable")
    F = "F", _("F: reliability can't be judged")


class Credibility(models.TextChoices):
    """The information's credibility, by itself."""

    ONE = "1", _("1: confirmed by other sources")
    TWO = "2", _("2: probably true")
    THREE = "3", _("3: possibly true")
    FOUR = "4", _("4: doubtful")
    FIVE = "5", _("5: improbable")
    SIX = "6", _("6: truth can't be judged")


class Method(models.TextChoices):
    """How it was assessed; the Berkeley Protocol's three heads come first."""

    SOURCE = "source_analysis", _("Source analysis")
    TECHNICAL = "technical_analysis", _("Technical analysis")
    CONTENT = "content_analysis", _("Content analysis")
    COMPARISON = "comparison", _("Comparison")
    GEOLOCATION = "geolocation", _("Geolocation")
    CHRONOLOCATION = "chronolocation", _("Chronolocation")
    DOCUMENT = "document_examination", _("Document examination")
    EXPERT = "expert_opinion", _("Expert opinion")


class Confidence(models.TextChoices):
    """How sure the assessor is."""

    LOW = "low", _("Low")
    MODERATE = "moderate", _("Moderate")
    HIGH = "high", _("High")


class Assessment(Record):
    """One judgement with its reason.  The newest that nothing supersedes governs."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="assessments")
    claim = models.ForeignKey(
        Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="assessments"
    )
    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.PROTECT, related_name="assessments"
    )
    item = models.ForeignKey(
        EvidenceItem, null=True, blank=True, on_delete=models.PROTECT, related_name="assessments"
    )
    status = models.CharField(max_length=30, choices=Standing, default=Standing.UNASSESSED)
    source_reliability = models.CharField(max_length=1, choices=Reliability, default=Reliability.F)
    information_credibility = models.CharField(
        max_length=1, choices=Credibility, default=Credibility.SIX
    )
    authenticity = models.CharField(max_length=40, choices=Authenticity, blank=True)
    holder_relation = models.CharField(max_length=40, choices=HolderRelation, blank=True)
    method = models.CharField(max_length=30, choices=Method)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.LOW)
    rationale = models.TextField()
    reviewer = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            known("status", Standing, "assessment_status_is_known"),
            known("source_reliability", Reliability, "assessment_reliability_is_known"),
            known("information_credibility", Credibility, "assessment_credibility_is_known"),
            known("method", Method, "assessment_method_is_known"),
            known("confidence", Confidence, "assessment_confidence_is_known"),
            models.CheckConstraint(
                condition=~models.Q(rationale=""), name="assessment_has_a_rationale"
            ),
            models.CheckConstraint(
                condition=models.Q(claim__isnull=False, source__isnull=True, item__isnull=True)
                | models.Q(claim__isnull=True, source__isnull=False, item__isnull=True)
                | models.Q(claim__isnull=True, source__isnull=True, item__isnull=False),
                name="assessment_has_one_target",
            ),
        ]

    def __str__(self) -> str:
        return self.get_status_display()
