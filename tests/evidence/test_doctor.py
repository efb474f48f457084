"""The doctor looks at every part, says what to do, and is not content with what is wrong."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError

from archive.models.backup_run import BackupRun
from archive.models.job import Job
from evidence import doctor
from tests import people

pytestmark = pytest.mark.django_db
NOW = people.NOW


@pytest.fixture(autouse=True)
def _log(opened_log):
    """A ledger to look at."""


def found() -> dict[str, doctor.Finding]:
    return {one.name: one for one in doctor.findings(now=NOW)}


def test_every_part_is_looked_at():
    parts = found()
    assert {
        "Database", "Broker", "Work", "Room", "Parsers", "Ledger's key", "Last verification",
        "Originals read back", "Ledger", "Last backup",
    } <= parts.keys()  # fmt: skip
    assert parts["Database"].tone == parts["Work"].tone == doctor.GOOD
    assert len(parts["Ledger's key"].words.removeprefix("SHA-256 ")) == 64


def test_a_broker_that_does_not_answer_is_wrong_and_the_command_ends_with_1(settings):
    assert found()["Broker"].tone == doctor.WRONG
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=said)
    assert ended.value.code == 1
    assert "WRONG  Broker: does not answer" in said.getvalue()
    assert "manage.py backup --to FOLDER" in said.getvalue()


def test_work_that_was_set_aside_or_waits_long_is_said():
    job = Job.objects.create(kind="a.kind", subject="x", created_at=NOW - timedelta(hours=1))
    assert found()["Work"].tone == doctor.WRONG
    assert "a.kind waits since 2026-01-15 11:00" in found()["Work"].words
    Job.objects.filter(pk=job.pk).update(
        state="quarantined", finished_at=NOW, last_error="No room."
    )
    assert found()["Work"].tone == doctor.LOOK
    assert "1 pieces set aside; the newest: a.kind, No room." in found()["Work"].words


def test_an_old_backup_is_looked_at():
    BackupRun.objects.create(
        made_at=NOW - timedelta(days=30), snapshot="s", log_size=1, copied=1, faults=0
    )
    assert found()["Last backup"].tone == doctor.LOOK


def test_a_part_that_can_not_be_looked_at_is_wrong_and_the_others_are_still_said(monkeypatch):
    def broken(_now):
        raise DatabaseError("no such table")
        yield

    monkeypatch.setattr(doctor, "_work", broken)
    parts = found()
    assert parts["Work"] == doctor.Finding(
        "Work", doctor.WRONG, "could not be looked at: no such table"
    )
    assert "Room" in parts
