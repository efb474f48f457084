"""Audits that nobody waits for: planned by the clock, made by a worker, their reports kept."""

from __future__ import annotations

import pytest
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile

from archive import checkpoints, custody, outbox
from archive.models.audit import AuditRun
from archive.models.job import Job
from evidence import tasks
from tests.people import make_cast, upload

NIGHTLY = "verify what came in since the last audit, nightly"
WEEKLY = "verify the whole ledger and every original, weekly"


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return make_cast()


def _made_by_the_clock(name):
    entry = configured.CELERY_BEAT_SCHEDULE[name]
    assert entry["task"] == tasks.verify.name
    tasks.verify(*entry["args"])
    job = Job.objects.get(pk=AuditRun.objects.latest("requested_at").job)
    assert outbox.run(job.pk, tasks.HANDLERS, on_quarantine=tasks._set_aside) is outbox.Outcome.DONE
    return AuditRun.objects.latest("requested_at")


def _unchecked(run):
    found = run.report["findings"]
    return {one["code"]: one["subject"] for one in found if one["outcome"] == "not_checked"}


def test_the_nightly_audit_goes_on_from_the_weekly_one_and_both_reports_are_kept(cast):
    upload(cast.case, cast.researcher)
    weekly = _made_by_the_clock(WEEKLY)
    upload(cast.case, cast.researcher, content=b"something else")

    nightly = _made_by_the_clock(NIGHTLY)

    assert (weekly.verdict, nightly.verdict) == ("verified", "verified")
    assert weekly.requested_by == nightly.requested_by == custody.ARCHIVE.id
    assert "entries-not-read-again" not in _unchecked(weekly)
    last = weekly.report["facts"]["log_size"] - 1
    assert _unchecked(nightly)["entries-not-read-again"] == f"entries 0 to {last}"
    assert AuditRun.objects.count() == 2


def _brought(client, content, name="checkpoint"):
    return client.post("/ledger/compare/", {"kept": SimpleUploadedFile(name, content)}, follow=True)


def test_an_auditor_brings_a_checkpoint_and_has_it_compared(cast, client):
    kept = checkpoints.checkpoint().note.encode()
    upload(cast.case, cast.researcher)
    client.force_login(cast.auditor)

    page = _brought(client, kept)
    nothing = _brought(client, b"\xff\xd8\xff")
    zipped = _brought(client, b"PK\x03\x04 and no more", "bundle.zip")

    assert "the ledger begins with exactly these" in page.content.decode()
    assert AuditRun.objects.get().verdict == "verified"
    assert "holds no checkpoint" in nothing.content.decode()
    assert "holds no checkpoint" in zipped.content.decode()


def test_who_may_not_read_the_ledger_may_not_compare_it(cast, client):
    kept = checkpoints.checkpoint().note.encode()
    client.force_login(cast.outsider)

    assert _brought(client, kept).status_code == 403
    assert not AuditRun.objects.exists()
