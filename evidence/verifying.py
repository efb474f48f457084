"""An auditor's "verify now": asked for in the admin, done by a worker, its report kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive import auditing, checkpoints, comparing, outbox
from archive.custody import Actor
from archive.models.audit import AuditRun
from archive.models.job import Job
from archive.proof.report import NOT_CHECKED, PASSED
from evidence import access, dispatch

#: The report's verdicts in words, with the tone of the page.
VERDICTS = {
    "verified": ("good", _lazy("Everything that was checked is as it was recorded.")),
    "untrusted": (
        "warn",
        _lazy("What was checked holds together, but not all of it can be relied on."),
    ),
    "failed": ("bad", _lazy("Something is not as it was recorded, or nothing was checked.")),
    "unreadable": ("bad", _lazy("Some of it could not be read. The table below names it.")),
    "forked": (
        "bad",
        _lazy("Two signed histories contradict each other. The table below names them."),
    ),
}


#: Kinds of work: the whole ledger and every original; or what came after the last audit.
WHOLE = "archive.audit"
SINCE_LAST = "archive.audit_since_last"


def request(*, user: User, now: datetime) -> AuditRun:
    """Have the whole ledger and every original checked by a worker."""
    return plan(WHOLE, actor=access.actor_of(user), now=now)


def plan(kind: str, *, actor: Actor, now: datetime) -> AuditRun:
    """Have a worker make an audit of that kind; its report is kept with the others."""
    with transaction.atomic():
        run = AuditRun.objects.create(requested_by=actor.id, requested_at=now)
        job = outbox.add(kind, str(run.pk))
        run.job = job.pk
        run.save(update_fields=["job"])
        dispatch.after_commit(job.pk)
    return run


def compare(kept: UploadedFile[Any], *, user: User, now: datetime) -> AuditRun:
    """Hold a checkpoint that was kept, or a bundle, against the database; keep the report.

    Raises ProofError when the file holds no checkpoint of any log.
    """
    actor = access.actor_of(user)
    with tempfile.NamedTemporaryFile(suffix=".zip") as copy:
        for chunk in kept.chunks():
            copy.write(chunk)
        copy.flush()
        note = comparing.kept_note(Path(copy.name))
    report = comparing.compare("the checkpoint that was brought", note, actor=actor)
    return AuditRun.objects.create(
        requested_by=actor.id,
        requested_at=now,
        state=AuditRun.State.FINISHED,
        verdict=str(report.verdict),
        report=json.loads(report.as_json()),
        finished_at=timezone.now(),
    )


def produce(job: Job, progress: Callable[[int, int], None]) -> Callable[[], None]:
    """The outbox's handler for both kinds of audit."""
    run = AuditRun.objects.get(pk=job.subject)
    AuditRun.objects.filter(pk=run.pk).update(state=AuditRun.State.RUNNING)
    checkpoints.checkpoint()  # so that the audit has a signature over what was there when asked
    report = auditing.audit(
        goes_on=job.kind == SINCE_LAST,
        actor=Actor(id=run.requested_by, role="auditor"),
        progress=progress,
    )

    def finish() -> None:
        AuditRun.objects.filter(pk=run.pk).update(
            state=AuditRun.State.FINISHED,
            verdict=str(report.verdict),
            report=json.loads(report.as_json()),
            finished_at=timezone.now(),
        )

    return finish


def give_up(job: Job) -> None:
    """Say on the run why no report came.  Called in the quarantine's transaction."""
    AuditRun.objects.filter(pk=job.subject).update(
        state=AuditRun.State.FAILED, reason=job.last_error, finished_at=timezone.now()
    )


def progress(run: AuditRun) -> dict[str, Any]:
    """Return how far an audit is, for the page that waits for it."""
    job = Job.objects.filter(pk=run.job).first() if run.job else None
    total = job.progress_total if job else None
    state = {"finished": "verified"}.get(run.state, run.state)
    percent = 100 if run.report else (100 * job.progress_done // total if job and total else 0)
    words = {
        "waiting": _("Waiting for a worker"),
        "running": _("Checking"),
        "failed": _("Not finished"),
    }
    return {"state": state, "percent": percent, "words": words.get(run.state, _("Finished"))}


def shown(run: AuditRun) -> dict[str, Any]:
    """Return the report's findings in the three groups that a page shows."""
    if not run.report:
        return {"report": None}
    tone, words = VERDICTS.get(
        run.verdict, ("warn", _("Verdict: {verdict}.").format(verdict=run.verdict))
    )
    return {"report": run.report, "tone": tone, "words": words, **grouped(run.report)}


def grouped(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the findings of a report in JSON by what a reader asks: wrong, checked, left open."""
    findings = report["findings"]
    return {
        "faults": [one for one in findings if one["outcome"] not in {PASSED, NOT_CHECKED}],
        "passed": [one for one in findings if one["outcome"] == PASSED],
        "unchecked": [one for one in findings if one["outcome"] == NOT_CHECKED],
    }
