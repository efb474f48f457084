"""Work is done once, whatever dies: leases, attempts, quarantine, and real workers killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.backends.signals import connection_created
from django.utils import timezone

from archive import outbox
from archive.models.job import Job
from archive.outbox import Outcome

WORKER = """
import os, signal, sys, time, uuid
import django
django.setup()
from django.conf import settings
from archive import outbox
from archive.models.job import Job
settings.LEASE_SECONDS = 1
mode = sys.argv[2]
def handler(job, progress):
    print("began", flush=True)
    if mode == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(mode))
    return lambda: outbox.add("effect", job.subject)
print(outbox.run(uuid.UUID(sys.argv[1]), handler).name, flush=True)
"""


def worker(database, job: Job, mode: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job.pk), mode],
        env=database.environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def effects() -> int:
    return Job.objects.filter(kind="effect").count()


def effect(job, progress):
    return lambda: outbox.add("effect", job.subject)


def broken(job, progress):
    raise ValueError("the tool said no")


def make_due(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=None)


def wait_until_due(job: Job) -> None:
    deadline = time.monotonic() + 5
    while job.pk not in outbox.due():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_job_is_done_once_and_asking_again_changes_nothing(committed_database):
    job = outbox.add("work", "subject")

    first, second = outbox.run(job.pk, effect), outbox.run(job.pk, effect)

    job.refresh_from_db()
    assert (first, second) == (Outcome.DONE, Outcome.NOT_OURS)
    assert (job.state, job.attempts, effects()) == ("done", 1, 1)
    assert outbox.due() == list(Job.objects.filter(kind="effect").values_list("id", flat=True))


def test_the_effect_and_done_are_there_together_or_not_at_all(committed_database):
    job = outbox.add("work", "subject")

    def half(job, progress):
        def finish():
            outbox.add("effect", job.subject)
            raise ValueError("halfway")

        return finish

    outcome = outbox.run(job.pk, half)

    job.refresh_from_db()
    assert outcome == Outcome.FAILED
    assert (job.state, effects()) == ("waiting", 0)
    assert job.last_error == "ValueError: halfway"


def test_a_failure_waits_longer_each_time_and_the_third_is_set_aside(committed_database):
    job = outbox.add("work", "subject")
    told, waits = [], []

    for _ in range(3):
        outbox.run(job.pk, broken, on_quarantine=lambda job: told.append(job.last_error))
        job.refresh_from_db()
        if job.not_before:
            assert outbox.run(job.pk, effect) == Outcome.NOT_OURS
            waits.append(job.not_before - timezone.now())
            make_due(job)

    assert (job.state, job.attempts) == ("quarantined", 3)
    assert told == ["ValueError: the tool said no"]
    assert timedelta(0) < waits[0] < waits[1]
    assert job.pk not in outbox.due()


@pytest.mark.parametrize("error", [MemoryError(), OSError(12, "Cannot allocate memory")])
def test_work_for_which_there_is_no_memory_is_tried_again(committed_database, error):
    job = outbox.add("work", "subject")

    def starved(job, progress):
        raise error

    assert outbox.run(job.pk, starved) == Outcome.FAILED
    make_due(job)

    assert outbox.run(job.pk, effect) == Outcome.DONE
    assert effects() == 1


def test_what_the_quarantine_hook_writes_stands_or_falls_with_the_quarantine(committed_database):
    job = outbox.add("work", "subject")
    Job.objects.filter(pk=job.pk).update(attempts=2)

    def hook(job):
        outbox.add("effect", job.subject)
        raise RuntimeError("the ledger is closed")

    with pytest.raises(RuntimeError, match="closed"):
        outbox.run(job.pk, broken, on_quarantine=hook)

    job.refresh_from_db()
    assert (job.state, effects()) == ("leased", 0)


def test_work_that_no_attempt_can_save_is_set_aside_at_once_and_requeued_by_hand(
    committed_database,
):
    job = outbox.add("work", "subject")

    def hopeless(job, progress):
        raise outbox.QuarantineError("no such file")

    assert outbox.run(job.pk, hopeless) == Outcome.QUARANTINED
    assert outbox.requeue(job)
    assert outbox.run(job.pk, effect) == Outcome.DONE


def test_a_job_within_a_transaction_goes_with_it(committed_database):
    with transaction.atomic():
        outbox.add("work", "subject")
        transaction.set_rollback(True)

    assert not Job.objects.exists()


def test_running_inside_a_transaction_is_refused(committed_database):
    job = outbox.add("work", "subject")

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        outbox.run(job.pk, effect)


def test_an_unknown_kind_is_left_for_a_worker_that_knows_it(committed_database):
    job = outbox.add("work", "subject")

    assert outbox.run(job.pk, {"other": effect}) == Outcome.NOT_OURS

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("waiting", 0)
    make_due(job)
    assert outbox.run(job.pk, {"work": effect}) == Outcome.DONE


def test_a_result_that_comes_after_the_lease_went_to_another_is_thrown_away(committed_database):
    job = outbox.add("work", "subject")

    def slow(held, progress):
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert outbox.run(job.pk, effect) == Outcome.DONE
        return lambda: outbox.add("effect", "stale")

    assert outbox.run(job.pk, slow) == Outcome.LOST
    assert list(Job.objects.filter(kind="effect").values_list("subject", flat=True)) == ["subject"]


def test_a_lease_from_a_clock_far_ahead_does_not_hold_for_years(committed_database):
    job = outbox.add("work", "subject")

    def slow(held, progress):
        far = timezone.now() + timedelta(days=5000)
        Job.objects.filter(pk=job.pk).update(lease_until=far)
        assert outbox.run(job.pk, effect) == Outcome.DONE
        return lambda: None

    assert outbox.run(job.pk, slow) == Outcome.LOST


def test_the_heartbeat_keeps_the_lease_shows_progress_and_leaves_no_connection(
    committed_database, settings
):
    settings.LEASE_SECONDS = 1
    job = outbox.add("work", "subject")
    seen, opened = [], []
    before = threading.active_count()

    def note(sender, connection, **_):
        opened.append(connection)

    def slow(held, progress):
        progress(1, 4)
        time.sleep(1.8)
        seen.append(Job.objects.get(pk=job.pk))
        assert job.pk not in outbox.due()
        progress(4, 4)
        return lambda: None

    connection_created.connect(note)
    outcome = outbox.run(job.pk, slow)
    connection_created.disconnect(note)

    job.refresh_from_db()
    assert outcome == Outcome.DONE
    assert (seen[0].progress_done, seen[0].progress_total) == (1, 4)
    assert (job.progress_done, job.progress_total) == (4, 4)
    assert threading.active_count() == before
    assert len(opened) == 1
    assert opened[0].connection is None


@pytest.mark.processes
def test_a_killed_worker_has_used_an_attempt_and_the_job_is_done_once_afterwards(
    committed_database,
):
    job = outbox.add("work", "subject")

    dead = worker(committed_database, job, "die")
    dead.communicate()
    job.refresh_from_db()
    after_kill = (job.state, job.attempts)
    wait_until_due(job)
    alive = worker(committed_database, job, "0")
    said = alive.communicate()[0].split()

    job.refresh_from_db()
    assert dead.returncode == -signal.SIGKILL
    assert after_kill == ("leased", 1)
    assert said == ["began", "DONE"]
    assert (job.state, job.attempts, effects()) == ("done", 2, 1)


@pytest.mark.processes
def test_a_job_that_kills_its_worker_each_time_is_set_aside(committed_database):
    job = outbox.add("work", "subject")
    for _ in range(3):
        wait_until_due(job)
        assert worker(committed_database, job, "die").communicate()[0] == "began\n"
    wait_until_due(job)

    outcome = outbox.run(job.pk, effect)

    job.refresh_from_db()
    assert outcome == Outcome.QUARANTINED
    assert (job.attempts, effects()) == (3, 0)
    assert "worker was lost" in job.last_error


@pytest.mark.processes
def test_of_workers_that_are_told_together_one_does_it(committed_database):
    job = outbox.add("work", "subject")

    workers = [worker(committed_database, job, "1.5") for _ in range(4)]
    said = sorted(one.communicate()[0].split()[-1] for one in workers)

    assert said == ["DONE", "NOT_OURS", "NOT_OURS", "NOT_OURS"]
    assert effects() == 1
