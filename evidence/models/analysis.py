"""What a tool said about a file, and when.  One answer per file, tool and version; none is lost."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.file import EvidenceFile


class Analysis(models.Model):
    """One tool's look at one file: its state while it runs, its answer or its reason afterwards."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        UNSUPPORTED = "unsupported", _("Not for this format")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="analyses")
    tool = models.CharField(max_length=60)
    version = models.CharField(max_length=100)
    state = models.CharField(max_length=20, choices=State, default=State.WAITING)
    result = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    isolation = models.CharField(max_length=100, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    versions = models.JSONField(default=dict, blank=True)
    job = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "tool"]
        verbose_name_plural = "analyses"
        indexes = [
            models.Index(
                fields=["state"],
                name="analyses_without_answer",
                condition=models.Q(state__in=["waiting", "failed"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["file", "tool", "version"], name="one_answer_per_tool_version"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "unsupported", "failed"]),
                name="analysis_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.version}"


class Fingerprint(models.Model):
    """A perceptual fingerprint: a lead with a stated distance, never identity."""

    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="fingerprints")
    analysis = models.ForeignKey(Analysis, on_delete=models.PROTECT, related_name="fingerprints")
    algorithm = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    value = models.TextField(
        help_text=_("Hexadecimal, full width; of a sound, the whole sequence.")
    )
    quality = models.PositiveSmallIntegerField(null=True, blank=True)
    at_ms = models.PositiveBigIntegerField(null=True, blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    variant = models.CharField(max_length=40, default="base")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.value}"
