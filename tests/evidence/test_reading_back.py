"""Originals are read back on time; what is found is recorded once, shown, and put right."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from archive import auditing, custody, fixity, store
from archive.models.job import Job
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from archive.proof.entries import Entry as Written
from archive.proof.report import Verdict
from evidence import reading_back, tasks
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log):
    return people.make_cast()


@pytest.fixture
def taken(cast):
    """Two items with the same bytes, one of other bytes."""
    return [
        people.upload(cast.case, cast.researcher, content=content, filename=name)
        for name, content in [("a.bin", b"twice"), ("b.bin", b"twice"), ("c.bin", b"once")]
    ]


def _damage(sha256: str, content: bytes = b"other") -> Path:
    path = store.path(sha256)
    path.chmod(0o640)
    path.write_bytes(content)
    return path


def _entries(*kinds: str) -> list[tuple[str, str, object]]:
    found = []
    for row in Entry.objects.filter(kind__in=kinds).order_by("seq"):
        written = Written.decode(row.body.encode())
        found.append((row.kind, str(row.item), written.data.get("outcome")))
    return found


def _read_all():
    now = timezone.now()
    return list(fixity.sweep(started=now, clock=timezone.now, until=now + timedelta(minutes=1)))


FIXITY = ("media.fixity_checked", "media.fixity_failed", "media.repaired")


def test_damage_is_an_entry_of_each_item_that_has_the_bytes_and_only_once(taken):
    first, second, _ = taken
    _damage(first.sha256)

    _read_all()
    _read_all()

    assert sorted(_entries(*FIXITY)) == sorted(
        ("media.fixity_failed", str(one.item), "mismatch") for one in (first, second)
    )
    assert [one.sha256 for one in reading_back.faulty()] == [first.sha256]


def test_a_missing_original_and_its_return_are_entries(taken):
    path = store.path(taken[2].sha256)
    away = path.rename(path.with_suffix(".away"))
    _read_all()
    away.rename(path)
    _read_all()

    assert _entries(*FIXITY) == [
        ("media.fixity_failed", str(taken[2].item), "missing"),
        ("media.fixity_checked", str(taken[2].item), "match"),
    ]
    assert not reading_back.faulty()


def test_an_audit_records_what_it_finds_as_well(taken):
    _damage(taken[2].sha256)

    auditing.audit()

    assert _entries(*FIXITY) == [("media.fixity_failed", str(taken[2].item), "mismatch")]


def test_what_can_not_be_read_is_no_damage_and_no_entry_but_is_shown(taken, monkeypatch):
    def broken(self, sha256):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("archive.backends.disk.Disk.open", broken)
        _read_all()

    assert _entries(*FIXITY) == []
    assert set(StoredObject.objects.values_list("state", "last_fixity_outcome")) == {
        ("stored", "unreadable")
    }
    assert reading_back.faulty().count() == 2


def test_a_finding_that_the_ledger_does_not_take_is_recorded_by_the_next_reading(
    taken, monkeypatch
):
    def refused(*_, **__):
        raise custody.DamagedLedgerError("no entry is taken")

    _damage(taken[2].sha256)
    with monkeypatch.context() as patched:
        patched.setattr("archive.fixity.custody.recording", refused)
        _read_all()
    row = StoredObject.objects.get(pk=taken[2].sha256)
    assert (row.state, row.last_fixity_outcome) == ("stored", "damaged")
    assert reading_back.faulty().count() == 1

    _read_all()

    assert _entries(*FIXITY) == [("media.fixity_failed", str(taken[2].item), "mismatch")]


def test_true_bytes_from_a_copy_replace_damaged_ones_and_the_history_says_so(taken, tmp_path):
    copy = shutil.copytree(store.path(taken[0].sha256).parents[3], tmp_path / "copy")
    _damage(taken[0].sha256)
    _read_all()

    call_command("fixity", repair_from=str(copy))

    assert store.check(taken[0].sha256).outcome == "intact"
    assert sorted(_entries("media.repaired")) == sorted(
        [("media.repaired", str(one.item), None) for one in taken[:2]]
    )
    assert not reading_back.faulty()
    report = auditing.examine()
    assert report.verdict is Verdict.VERIFIED, report.as_text()


def test_a_copy_that_is_damaged_itself_brings_nothing_in(taken, tmp_path, capsys):
    root = store.path(taken[2].sha256).parents[3]
    copy = shutil.copytree(root, tmp_path / "copy")
    for file in copy.rglob(taken[2].sha256):
        file.chmod(0o640)
        file.write_bytes(b"wrong, too")
    _damage(taken[2].sha256)
    _read_all()
    before = sorted(path for path in root.rglob("*") if path.is_file())

    with pytest.raises(SystemExit) as ended:
        call_command("fixity", repair_from=str(copy))

    assert ended.value.code == 1
    assert "not used" in capsys.readouterr().out
    assert sorted(path for path in root.rglob("*") if path.is_file()) == before
    assert reading_back.faulty().count() == 1


def test_a_copy_that_is_nowhere_is_refused_in_words(taken):
    with pytest.raises(CommandError, match="neither s3://BUCKET nor a folder"):
        call_command("fixity", repair_from="/nowhere/at/all")


def test_the_command_reads_what_is_due_and_tells_damage_by_its_exit_code(taken, capsys):
    call_command("fixity")
    assert "2 originals of 9 bytes read back; all are intact." in capsys.readouterr().out
    call_command("fixity")
    assert "0 originals" in capsys.readouterr().out
    _damage(taken[2].sha256)

    with pytest.raises(SystemExit) as ended:
        call_command("fixity", "--all")

    assert ended.value.code == 1
    told = capsys.readouterr()
    assert f"sha256:{taken[2].sha256} is damaged." in told.err
    assert "1 damaged" in told.out


def test_a_reading_dated_in_the_future_is_due(taken):
    StoredObject.objects.update(last_fixity_at=timezone.now() + timedelta(days=5000))

    now = timezone.now()
    assert fixity.unread(now - timedelta(days=30), now=now).count() == 2


def test_reading_keeps_to_its_rate(taken):
    pace = fixity.Pace(1_000_000)
    begun = time.monotonic()

    for _ in range(6):
        pace(50_000)

    assert 0.25 <= time.monotonic() - begun < 2


def test_the_schedule_plans_one_reading_while_something_is_due(taken):
    now = timezone.now()
    job = reading_back.plan(now=now)
    assert job is not None
    assert reading_back.plan(now=now) is None  # it is planned already

    tasks.work(str(job.pk))

    job.refresh_from_db()
    assert job.state == Job.State.DONE
    assert reading_back.coverage(now=timezone.now()).percent == 100
    assert reading_back.plan(now=now) is None  # nothing is due
    later = now + timedelta(days=31)
    again = reading_back.plan(now=later)
    assert again is not None
    assert again.pk == job.pk
    assert Job.objects.filter(kind=reading_back.KIND).count() == 1


def test_the_page_shows_an_auditor_coverage_age_and_what_is_wrong(taken, cast, client):
    StoredObject.objects.filter(pk=taken[0].sha256).update(
        last_fixity_at=timezone.now() - timedelta(days=12), last_fixity_outcome="intact"
    )
    client.force_login(cast.auditor)
    page = client.get(reverse("admin:archive_storedobject_changelist")).content.decode()
    assert "55 % of the bytes were read within 30 days" in page
    assert "<title>10-14: 1</title>" in page
    assert "<title>never: 1</title>" in page
    assert "What is wrong" not in page

    _damage(taken[2].sha256)
    _read_all()

    page = client.get(reverse("admin:archive_storedobject_changelist")).content.decode()
    assert "1 original is not as taken in" in page
    assert taken[2].sha256[:16] in page
    assert "original is damaged, missing or unreadable" in client.get("/admin/").content.decode()


def test_what_takes_long_to_count_is_kept_for_minutes_and_faults_are_always_known(
    taken, monkeypatch
):
    monkeypatch.setattr(reading_back, "LONG", -1)
    now = timezone.now()
    first = reading_back.coverage(now=now)
    assert (first.originals, first.never, first.as_of) == (2, 2, now)

    StoredObject.objects.update(last_fixity_at=now, last_fixity_outcome="intact")
    StoredObject.objects.filter(pk=taken[0].sha256).update(state="damaged")

    soon = reading_back.coverage(now=now + timedelta(minutes=4))
    assert (soon.never, soon.faults, soon.as_of) == (2, 1, now)
    later = now + timedelta(minutes=6)
    after = reading_back.coverage(now=later)
    assert (after.never, after.faults, after.as_of) == (0, 1, later)
    # A clock that was put back does not keep an answer from the future.
    assert reading_back.coverage(now=now).as_of == now


def test_the_page_is_for_those_who_read_the_ledger(cast, client):
    client.force_login(cast.researcher)

    assert client.get(reverse("admin:archive_storedobject_changelist")).status_code == 403
