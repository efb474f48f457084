"""Runs of the audit: who asked, how far it is, and the report it came to."""

from __future__ import annotations

import uuid

from django.db import models


class AuditRun(models.Model):
    """One verification of ledger and originals.  Its report says what was and was not checked."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Could not be finished"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.CharField(max_length=80, help_text="The actor's opaque id.")
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.WAITING)
    verdict = models.CharField(max_length=40, blank=True)
    report = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    job = models.UUIDField(null=True, editable=False)

    class Meta:
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"Audit of {self.requested_at:%Y-%m-%d %H:%M}: {self.verdict or self.state}"
