"""Looks the whole installation over and says of each part how it is, and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat
from kombu.exceptions import OperationalError

from archive import custody, outbox, signing
from archive.models.job import Job
from archive.proof import notes
from archive.signer import SignerError
from evidence import desk, sandbox

WAITED_LONG = timedelta(minutes=10)  # a due job, while a worker lives
PATIENCE = 3  # seconds for the broker and for the workers
GOOD, LOOK, WRONG = "good", "warn", "bad"


@dataclass(frozen=True)
class Finding:
    """How one part is: ``tone`` is good, warn (look at it) or bad; advice says what to do."""

    name: str
    tone: str
    words: str
    advice: str = ""


def findings(*, now: datetime) -> Iterator[Finding]:
    """Look at every part; one that can't be looked at is wrong, and the others are still said."""
    parts: tuple[tuple[str, Callable[[datetime], Iterator[Finding]]], ...] = (
        ("Settings and machine", _settings),
        ("Database", _database),
        ("Broker and workers", _workers),
        ("Work", _work),
        ("Room", _room),
        ("Parsers", _parsers),
        ("Ledger's key", _key),
        ("Integrity", _integrity),
    )
    for name, look in parts:
        try:
            yield from look(now)
        except (DatabaseError, OSError, custody.CustodyError, SignerError) as error:
            yield Finding(name, WRONG, f"could not be looked at: {error}".strip())


def _settings(_now: datetime) -> Iterator[Finding]:
    name = "Settings and machine"
    found = [
        one
        for one in checks.run_checks(include_deployment_checks=True)
        if one.level >= checks.WARNING
    ]
    for one in found:
        tone = WRONG if one.level >= checks.ERROR else LOOK
        yield Finding(name, tone, f"{one.msg} [{one.id}]", one.hint or "")
    if not found:
        yield Finding(name, GOOD, "nothing to say")


def _database(_now: datetime) -> Iterator[Finding]:
    connection.ensure_connection()
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        words = f"{len(waiting)} changes of the tables are not made yet"
        yield Finding(
            "Database",
            WRONG,
            words,
            "manage.py migrate, after a backup by the version that was here before",
        )
    else:
        yield Finding("Database", GOOD, f"{connection.display_name}, all tables as they should be")


def _workers(_now: datetime) -> Iterator[Finding]:
    advice = "Start `manage.py up`, or the services that it would start. Nothing is lost meanwhile."
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
        alive = current_app.control.ping(timeout=PATIENCE)
    except (OperationalError, OSError) as error:
        yield Finding("Broker", WRONG, f"does not answer: {error}", advice)
        return
    yield Finding("Broker", GOOD, "answers")
    if alive:
        yield Finding("Workers", GOOD, f"{len(alive)} at work")
    else:
        yield Finding("Workers", WRONG, "none answers", advice)


def _work(now: datetime) -> Iterator[Finding]:
    aside = Job.objects.filter(state=Job.State.QUARANTINED).order_by("-finished_at")
    if newest := aside.first():
        words = f"{aside.count()} pieces set aside; the newest: {newest.kind}, {newest.last_error}"
        yield Finding("Work", LOOK, words, "What it is about has a button to try again.")
    due = Job.objects.filter(pk__in=outbox.due(1)).first()
    if due is not None and now - due.created_at > WAITED_LONG:
        words = f"{due.kind} waits since {due.created_at:%Y-%m-%d %H:%M} UTC"
        yield Finding("Work", WRONG, words, "Look at the workers' log.")
    elif newest is None:
        yield Finding("Work", GOOD, "nothing is set aside, nothing waits long")


def _room(_now: datetime) -> Iterator[Finding]:
    place = Path(settings.STORE_DIR)
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    share = usage.free / usage.total
    words = f"{filesizeformat(usage.free)} free for the originals, {share:.0%}"
    tone = GOOD if share > 0.1 else LOOK
    yield Finding("Room", tone, words, "" if tone == GOOD else "Add room before uploads fail.")


def _parsers(_now: datetime) -> Iterator[Finding]:
    level = sandbox.isolation()
    confined = "landlock" in level or "seccomp" in level
    yield Finding("Parsers", GOOD if confined else LOOK, f"confined by: {level or 'nothing'}")


def _key(_now: datetime) -> Iterator[Finding]:
    key = notes.parse_vkey(signing.the_signer().vkey)
    advice = "Whoever gets a bundle needs it by another way than the bundle."
    yield Finding("Ledger's key", GOOD, f"SHA-256 {key.fingerprint}", advice)


def _integrity(now: datetime) -> Iterator[Finding]:
    for sign in desk.signs(now=now):
        advice = "manage.py backup --to FOLDER" if sign.name == "Last backup" else ""
        yield Finding(sign.name, sign.tone, sign.words, "" if sign.tone == GOOD else advice)
