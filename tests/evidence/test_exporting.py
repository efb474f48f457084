"""Exports: who may ask, what the ledger says of it, and what a changed original does."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile

import pytest
from blake3 import blake3
from django.core.files.storage import storages

from archive import custody, outbox, store
from archive.models.bundle import Bundle
from archive.models.job import Job
from evidence import exporting, tasks
from evidence.models.analysis import Analysis
from evidence.models.item import EvidenceItem
from tests.people import NOW, make_cast, upload


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return make_cast()


def _item(cast, **more):
    return EvidenceItem.objects.get(pk=upload(cast.case, cast.researcher, **more).item)


def _ask(cast, items, user):
    return exporting.export(items, purpose="A test", recipient="The court", user=user, now=NOW)


def _write(made):
    job = Job.objects.get(kind="evidence.export", subject=str(made.pk))
    return outbox.run(job.pk, tasks.HANDLERS, on_quarantine=tasks._set_aside)


def _kinds():
    return [row.kind for row in custody.entries() if row.kind.partition(".")[0] == "export"]


def test_a_release_officers_export_is_written_verified_and_recorded(cast):
    item = _item(cast)

    made = _ask(cast, [item], cast.release_officer)
    assert _write(made) is outbox.Outcome.DONE

    bundle = Bundle.objects.get(pk=made.pk)
    assert bundle.state == Bundle.State.VERIFIED
    assert _kinds()[:2] == ["export.requested", "export.created"]
    assert len(_kinds()) == 3
    assert [row.kind for row in custody.history_of(item.pk)][-1] == "item.exported"


def test_who_may_not_export_gets_nothing_and_the_ledger_no_entry(cast):
    item = _item(cast)
    people = (cast.researcher, cast.auditor, cast.stranger, cast.outsider, cast.root)

    for user in people:
        with pytest.raises(exporting.ExportError, match="can't be exported by you"):
            _ask(cast, [item], user)

    assert not Bundle.objects.exists()
    assert _kinds() == []


def test_one_foreign_item_among_others_stops_the_whole_request(cast):
    item = _item(cast)
    foreign = EvidenceItem.objects.get(pk=upload(cast.other_case, cast.stranger).item)

    with pytest.raises(exporting.ExportError):
        _ask(cast, [item, foreign], cast.release_officer)

    assert not Bundle.objects.exists()


def test_a_changed_original_ends_the_export_and_is_named(cast):
    item = _item(cast, content=b"the true bytes")
    other = _item(cast, content=b"other bytes", title="Another")
    path = store.path(item.files.get().sha256)
    path.chmod(0o640)
    with path.open("r+b") as file:
        file.seek(4)
        file.write(b"F")
        file.flush()
        os.fsync(file.fileno())

    made = _ask(cast, [item, other], cast.release_officer)
    assert _write(made) is outbox.Outcome.QUARANTINED

    bundle = Bundle.objects.get(pk=made.pk)
    assert bundle.state == Bundle.State.FAILED
    assert item.exhibit_number in bundle.reason or item.files.get().sha256 in bundle.reason
    assert bundle.storage_name == ""
    assert _kinds()[-1] == "export.failed"
    assert not list((exporting.settings.DATA_DIR / "staging").iterdir())


def test_the_digests_that_were_worked_out_for_look_up_are_in_the_bundle(cast):
    item = _item(cast, content=b"looked up")
    for name in ("type", "digests"):
        analysis = Analysis.objects.get(file__item=item, tool=name)
        tasks.work(str(analysis.job))
    made = _ask(cast, [item], cast.release_officer)

    assert _write(made) is outbox.Outcome.DONE

    bundle = Bundle.objects.get(pk=made.pk)
    with storages["bundles"].open(bundle.storage_name) as file, zipfile.ZipFile(file) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("/item.json"))
        (said,) = json.loads(archive.read(name))["files"]
    assert said["reported"] == {
        "blake3": blake3(b"looked up").hexdigest(),
        "md5": hashlib.md5(b"looked up").hexdigest(),
        "sha1": hashlib.sha1(b"looked up").hexdigest(),
    }
