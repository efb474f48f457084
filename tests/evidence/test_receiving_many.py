"""Many files through the front door: each as if it came alone, and none in another's way."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, OperationalError

from archive import custody, store
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from archive.proof.entries import Entry as Written
from evidence import cataloguing, intake, sidecars
from evidence.models.acquisition import Acquisition
from evidence.models.analysis import Analysis
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from tests.people import NOW, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log):
    return make_cast()


@pytest.fixture
def offered(tmp_path) -> list[intake.Offered]:
    """Ten files; the fifth and the ninth have the same bytes."""
    several = []
    for number in range(10):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"note {4 if number == 8 else number}")
        several.append(
            intake.Offered(
                path=path,
                filename=path.name,
                media_type="text/plain",
                description=intake.Description(title=f"Note {number}", kind="document"),
                acquisition=intake.AcquisitionFacts(method="download"),
                intake_key=f"k{number}",
            )
        )
    return several


@pytest.fixture(params=[3, 100])
def together(request, monkeypatch) -> int:
    """How many are recorded together: several batches of them, or one."""
    monkeypatch.setattr(intake, "MOST_TOGETHER", request.param)
    return int(request.param)


def receive(cast, offered):
    return list(
        intake.receive_all(offered, case=cast.case, user=cast.researcher, clock=lambda: NOW)
    )


def test_each_is_received_as_if_it_came_alone(cast, offered, together):
    came_to = receive(cast, offered)

    assert [one for one, _ in came_to] == offered
    for number, (one, receipt) in enumerate(came_to):
        assert isinstance(receipt, intake.Receipt)
        assert receipt.reference == f"TEST-001-{number + 1:04d}"
        assert receipt.filename == one.filename
        with store.open(receipt.sha256) as original:
            assert original.read() == one.path.read_bytes()
        file = EvidenceFile.objects.get(item=receipt.item)
        assert receipt == intake.receipt_of(file)
        assert (file.item.title, file.original_filename) == (f"Note {number}", one.filename)
        assert Acquisition.objects.get(item=receipt.item).method == "download"
        assert [one.tool for one in Analysis.objects.filter(file=file)] == ["type"]
        assert all(one.job for one in Analysis.objects.filter(file=file))
        kinds = [Written.decode(row.body.encode()).kind for row in custody.history_of(receipt.item)]
        assert kinds == ["item.registered", "item.acquired", "media.ingested"]
        assert Entry.objects.get(seq=receipt.entry_seq).leaf.hex() == receipt.entry_hash
        said = json.loads(store.read_sidecar(receipt.sha256, receipt.item))
        assert said == sidecars.skeleton(file)
    assert StoredObject.objects.count() == 9
    assert EvidenceItem.objects.count() == 10


def test_asked_again_there_is_nothing_new(cast, offered, together):
    first = receive(cast, offered[:6])
    size = custody.head().size

    again = receive(cast, offered)

    assert again[:6] == first
    assert EvidenceItem.objects.count() == 10
    assert custody.head().size == size + 4 * 3


def test_what_keeps_one_out_keeps_no_other_out(cast, offered, together):
    offered[2].path.unlink()
    unusable = intake.Offered(
        **{**vars(offered[5]), "filename": "no\x00name", "intake_key": "unusable"}
    )

    came_to = receive(cast, [*offered[:5], unusable, *offered[5:]])

    refused = {one.intake_key: answer for one, answer in came_to if isinstance(answer, Exception)}
    assert refused.keys() == {"k2", "unusable"}
    assert "2.txt can't be read" in str(refused["k2"])
    assert "rename" in str(refused["unusable"])
    assert EvidenceItem.objects.count() == 9


def test_one_that_the_catalogue_refuses_keeps_no_other_out(cast, offered, together):
    StoredObject.objects.create(  # another's row under these bytes' SHA-256
        sha256=store.put([b"note 7"]).measurement.sha256.hex(),
        sha512="0" * 128,
        size=6,
        crc32=0,
        first_stored_at=NOW,
    )

    came_to = receive(cast, offered)

    refused = {one.intake_key: answer for one, answer in came_to if isinstance(answer, Exception)}
    assert refused.keys() == {"k7"}
    assert "other bytes" in str(refused["k7"])
    assert EvidenceItem.objects.count() == 9


def test_what_another_takes_in_meanwhile_is_taken_in_once(cast, offered, together, monkeypatch):
    catalogue = cataloguing.catalogue
    raced = []

    def slow(offers, **named):
        if len(offers) > 1 and not raced:  # another process was quicker with one of them
            raced.extend(catalogue(offers[1:2], **named))
            raise IntegrityError("UNIQUE constraint failed")
        return catalogue(offers, **named)

    monkeypatch.setattr(cataloguing, "catalogue", slow)

    came_to = receive(cast, offered)

    assert all(isinstance(answer, intake.Receipt) for _, answer in came_to)
    assert came_to[1][1].item == raced[0].file.item_id
    assert EvidenceItem.objects.count() == 10


def test_a_database_that_is_gone_is_said_of_each_and_asked_once_a_batch(
    cast, offered, together, monkeypatch
):
    asked = []

    def gone(offers, **_):
        asked.append(len(offers))
        raise OperationalError("the server is gone")

    monkeypatch.setattr(cataloguing, "catalogue", gone)

    came_to = receive(cast, offered)

    assert {str(answer) for _, answer in came_to} == {"the server is gone"}
    assert len(asked) == (4 if together == 3 else 1)
    assert not EvidenceItem.objects.exists()


def test_bytes_that_were_damaged_are_healed_and_their_first_item_says_so(cast, offered, together):
    ((_, first),) = receive(cast, offered[4:5])
    path = store.path(first.sha256)
    path.unlink()
    path.write_bytes(b"other")

    receive(cast, offered)

    assert path.read_bytes() == b"note 4"
    kinds = [Written.decode(row.body.encode()).kind for row in custody.history_of(first.item)]
    assert kinds[3:] == ["media.repaired"]


def test_a_sidecar_that_cannot_be_written_is_left_for_later(cast, offered, together, monkeypatch):
    def full(_):
        raise store.StoreFullError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_sidecars", full)
        came_to = receive(cast, offered)

    assert all(isinstance(answer, intake.Receipt) for _, answer in came_to)
    assert sidecars.restore() == 10
