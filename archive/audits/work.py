"""Work that was promised: how much is done, outstanding, overdue and set aside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Q
from django.db.models.functions import Now

from archive.audits.examination import Examination
from archive.models.job import Job
from archive.proof.report import Finding

PATIENCE = timedelta(seconds=60)  # that due work may lie before somebody should have taken it


def work_is_counted(at: Examination) -> Iterator[Finding]:
    """Put into the report's facts where the outbox stands; work that waits alters no evidence."""
    at.facts["work"] = Job.objects.aggregate(
        done=Count("pk", filter=Q(state=Job.State.DONE)),
        quarantined=Count("pk", filter=Q(state=Job.State.QUARANTINED)),
        outstanding=Count("pk", filter=_UNFINISHED),
        overdue=Count("pk", filter=_UNFINISHED & _OVERDUE),
    )
    yield from ()


_UNFINISHED = Q(state__in=[Job.State.WAITING, Job.State.LEASED])
_LONG_AGO = Now() - PATIENCE
_OVERDUE = (
    Q(state=Job.State.LEASED, lease_until__lt=_LONG_AGO)
    | Q(state=Job.State.WAITING, not_before__lt=_LONG_AGO)
    | Q(state=Job.State.WAITING, not_before__isnull=True, created_at__lt=_LONG_AGO)
)
