"""Work that must happen, kept in the database until it is done or set aside with a reason."""

from __future__ import annotations

import uuid

from django.db import models


class Job(models.Model):
    """One piece of work: what, about what, how often tried, and who holds it until when.

    ``attempts`` counts starts, not failures: a worker that was killed has used one up.  Whoever
    holds ``lease_token`` may write the result; nobody else.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        LEASED = "leased", "Running"
        DONE = "done", "Done"
        QUARANTINED = "quarantined", "Set aside"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=100, editable=False)
    subject = models.TextField(editable=False)
    state = models.CharField(max_length=20, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="unfinished_jobs",
                condition=models.Q(state__in=["waiting", "leased"]),
            ),
            models.Index(fields=["kind", "subject"], name="jobs_by_kind_and_subject"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "leased", "done", "quarantined"]),
                name="job_state_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state="leased", lease_token__isnull=False, lease_until__isnull=False
                )
                | (~models.Q(state="leased") & models.Q(lease_token__isnull=True)),
                name="a_job_has_a_lease_token_only_while_leased",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["done", "quarantined"], finished_at__isnull=False)
                | models.Q(state__in=["waiting", "leased"], finished_at__isnull=True),
                name="a_job_has_a_finishing_time_only_when_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
