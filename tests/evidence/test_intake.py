"""The front door: what a failure, a repair and a crash after the commit leave behind."""

from __future__ import annotations

import fcntl
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive import checkpoints, custody, outbox, store
from archive.backends.disk import Disk
from archive.models.job import Job
from archive.models.stored_object import StoredObject
from archive.proof import events
from archive.proof.entries import Entry
from archive.signer import SignerRefusedError
from evidence import intake, tasks
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload
from tests import people

CONTENT = b"what was filmed that night"


@pytest.fixture
def cast(committed_database) -> people.Cast:
    custody.open_log()
    return people.make_cast()


def _arrived(cast: people.Cast, **fields: Any) -> Upload:
    upload = Upload(
        owner=cast.researcher,
        case=cast.case,
        filename="clip.mp4",
        media_type="video/mp4",
        length=len(CONTENT),
        offset=len(CONTENT),
        fields=fields,
        created_at=people.NOW,
        updated_at=people.NOW,
    )
    upload.path.parent.mkdir(parents=True, exist_ok=True)
    upload.path.write_bytes(CONTENT)
    upload.save(force_insert=True)
    return upload


def _work(job: Job) -> outbox.Outcome:
    Job.objects.filter(pk=job.pk).update(not_before=None)
    return outbox.run(job.pk, tasks.HANDLERS, on_quarantine=tasks._set_aside)


def _full(*_: object, **__: object) -> None:
    raise store.StoreFullError("There is no room left.")


def test_while_sealing_will_be_tried_again_the_upload_has_not_failed(cast, monkeypatch):
    upload = _arrived(cast)
    job = intake.plan_sealing(upload)

    with monkeypatch.context() as patched:
        patched.setattr(store, "put_file", _full)
        outcomes = [_work(job), _work(job)]
    upload.refresh_from_db()
    assert outcomes == [outbox.Outcome.FAILED] * 2
    assert upload.state == Upload.State.SEALING

    assert _work(job) == outbox.Outcome.DONE
    upload.refresh_from_db()
    assert upload.state == Upload.State.RECEIVED
    assert not upload.path.exists()
    assert EvidenceItem.objects.count() == 1


def test_after_the_last_attempt_the_upload_says_why_it_failed(cast, monkeypatch):
    upload = _arrived(cast)
    job = intake.plan_sealing(upload)
    monkeypatch.setattr(store, "put_file", _full)

    outcomes = [_work(job) for _ in range(outbox.ATTEMPTS)]

    upload.refresh_from_db()
    assert outcomes[-1] == outbox.Outcome.QUARANTINED
    assert upload.state == Upload.State.FAILED
    assert "no room left" in upload.reason


def test_what_no_attempt_can_help_is_given_up_at_once(cast):
    upload = _arrived(cast, source=str(uuid.uuid4()))

    outcome = _work(intake.plan_sealing(upload))

    upload.refresh_from_db()
    assert outcome == outbox.Outcome.QUARANTINED
    assert upload.state == Upload.State.FAILED
    assert "source" in upload.reason


def _repairs() -> list[tuple[str | None, str, dict[str, Any]]]:
    written = [
        Entry.decode(row.body.encode()) for row in custody.entries(kind=events.MediaRepaired.kind)
    ]
    return [(entry.item, entry.actor, dict(entry.data)) for entry in written]


@pytest.mark.parametrize("harm", ["changed", "lost and noticed"])
def test_bytes_that_come_again_repair_a_harmed_original_and_each_item_with_it_says_so(cast, harm):
    first = people.upload(cast.case, cast.researcher, content=CONTENT)
    path = store.path(first.sha256)
    path.unlink()
    if harm == "changed":
        path.write_bytes(b"something else")
    else:
        StoredObject.objects.update(state="missing")

    people.upload(cast.other_case, cast.stranger, content=CONTENT)

    ((item, actor, data),) = _repairs()
    assert item == str(first.item)
    assert actor == custody.ARCHIVE.id  # not the stranger, of whom this case knows nothing
    assert (data["case"], data["sha256"]) == (str(cast.case.pk), first.sha256)
    assert store.check(first.sha256).outcome == "intact"


def test_bytes_that_come_again_unharmed_repair_nothing(cast):
    for _ in range(2):
        people.upload(cast.case, cast.researcher, content=CONTENT)

    assert _repairs() == []


def _sidecar(receipt: intake.Receipt) -> dict[str, Any]:
    path = store.path(receipt.sha256).with_name(f"{receipt.sha256}.{receipt.item}.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def test_the_sidecar_is_written_after_the_ledger_is_free_again(cast, monkeypatch):
    written = []
    original = Disk.write_sidecar

    def watched(self, sha256, item, payload):
        with Path(f"{connection.settings_dict['NAME']}.ledger.lock").open("ab") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises when another has it
        written.append(connection.in_atomic_block)
        return original(self, sha256, item, payload)

    monkeypatch.setattr(Disk, "write_sidecar", watched)

    receipt = people.upload(cast.case, cast.researcher, content=CONTENT)

    assert written == [False]
    assert _sidecar(receipt)["exhibit_number"] == receipt.reference
    assert _sidecar(receipt)["sha512"] == receipt.sha512


def test_a_sidecar_that_a_crash_left_out_is_written_again_from_the_rows(cast, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "write_sidecar", _full)
        receipt = people.upload(cast.case, cast.researcher, content=CONTENT)
    whole = people.upload(cast.case, cast.researcher, content=b"another")
    assert not store.has_sidecar(receipt.sha256, receipt.item)

    assert intake.restore_sidecars(since=people.NOW + timedelta(days=1)) == 0
    assert intake.restore_sidecars(since=people.NOW) == 1
    assert intake.restore_sidecars(since=people.NOW) == 0

    assert _sidecar(receipt).keys() == _sidecar(whole).keys()
    assert _sidecar(receipt)["item"] == str(receipt.item)


def test_a_lone_receipt_is_covered_by_a_checkpoint_at_once(cast):
    receipt = people.upload(cast.case, cast.researcher, content=CONTENT)

    newest = checkpoints.latest()
    assert newest is not None
    assert newest.size > receipt.entry_seq


def test_a_signer_that_refuses_takes_no_receipt_away(cast, monkeypatch):
    def refuse(**_):
        raise SignerRefusedError("no")

    monkeypatch.setattr(checkpoints, "keep_up", refuse)

    receipt = people.upload(cast.case, cast.researcher, content=CONTENT)

    assert store.check(receipt.sha256).outcome == "intact"
    assert EvidenceItem.objects.get().exhibit_number == receipt.reference
