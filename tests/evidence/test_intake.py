"""The only way in: what is received is kept, catalogued and recorded; the rest is not there."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from archive import custody, disclosures, store
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from archive.proof import events, merkle
from archive.proof.entries import Entry as Written
from archive.proof.entries import format_time
from evidence import intake, processing, sidecars
from evidence.models.acquisition import Acquisition
from evidence.models.analysis import Analysis
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from tests.people import NOW, make_cast, upload

CONTENT = b"a few bytes of evidence"
SHA256 = hashlib.sha256(CONTENT).hexdigest()

CYRILLIC = "показания " * 30  # 300 characters, 570 bytes: more than a file system takes
NAMES = [
    "plain.txt",
    "with spaces.txt",
    " leading and trailing ",
    "folder/inside/photo.jpg",
    "/etc/passwd",
    "../../../../etc/passwd",
    "..",
    ".",
    ".hidden",
    "-rf",
    "--output=x",
    "~/x",
    "C:\\Users\\x\\photo.jpg",
    "\\\\server\\share\\photo.jpg",
    "CON",
    "nul.txt",
    "a:b",
    "photo.jpg ",
    "photo.jpg.",
    "photo.jpg.exe",
    "photo\u202egpj.exe",
    "a\u2066b\u2069c",
    "zero\u200bwidth",
    "a\ufeffb",
    "first\r\nSecond-Header: x",
    "line\nbreak",
    "tab\tstop",
    "bell\x07",
    "\x1b[31mred\x1b[0m",
    "\x7f",
    "c1\x85control",
    "<script>alert(1)</script>.jpg",
    "'; DROP TABLE archive_entry; --",
    '"quoted".txt',
    "$(id).txt",
    "`id`.txt",
    "%00.txt",
    "%2e%2e%2f",
    "{{ title }}.txt",
    "=1+1.csv",
    "é.txt",
    "é.txt",
    "фото 사진 照片.jpg",
    "שלום مرحبا.pdf",
    "👩‍👩‍👧.png",
    "x" * 5000,
    CYRILLIC,
    "manifest-sha256.txt",
    "\ufffd\ufffe",
    "\U0010ffff",
]


@pytest.fixture
def cast(opened_log):
    return make_cast()


def _entries(item):
    return [Written.decode(row.body.encode()) for row in custody.history_of(item)]


def _receive(cast, *, content=CONTENT, filename="note.txt", case=None, user=None, **more):
    return intake.receive(
        [content],
        filename=filename,
        media_type="text/plain",
        case=case or cast.case,
        user=user or cast.researcher,
        description=intake.Description(title="A note", kind="document"),
        acquisition=intake.AcquisitionFacts(method="download"),
        now=NOW,
        **more,
    )


def test_a_receipt_names_what_was_received_and_the_entry_that_says_so(cast, settings):
    receipt = upload(cast.case, cast.researcher, content=CONTENT)

    assert receipt.reference == "TEST-001-0001"
    assert (receipt.size, receipt.sha256) == (len(CONTENT), SHA256)
    assert receipt.sha512 == hashlib.sha512(CONTENT).hexdigest()
    assert receipt.origin == settings.LOG_ORIGIN
    row = Entry.objects.get(seq=receipt.entry_seq)
    assert row.kind == events.MediaIngested.kind
    assert receipt.entry_hash == merkle.leaf_hash(row.body.encode()).hex()
    written = Written.decode(row.body.encode())
    assert (written.item, format_time(written.time)) == (str(receipt.item), receipt.time)
    assert (written.data["sha256"], written.data["size"]) == (SHA256, len(CONTENT))
    with store.open(SHA256) as file:
        assert file.read() == CONTENT


def test_one_receipt_means_item_file_acquisition_entries_and_work(cast):
    receipt = upload(cast.case, cast.researcher)

    kinds = [entry.kind for entry in _entries(receipt.item)]
    assert kinds == ["item.registered", "item.acquired", "media.ingested"]
    file = EvidenceFile.objects.get(item=receipt.item)
    assert (file.role, file.stored_id) == (EvidenceFile.Role.EVIDENTIARY, receipt.sha256)
    assert Acquisition.objects.get(item=receipt.item).method == "download"
    assert [one.tool for one in Analysis.objects.filter(file=file)] == ["type"]


def test_asking_twice_with_one_key_gives_one_item_and_one_receipt(cast):
    first = upload(cast.case, cast.researcher, key="a key")
    size = custody.head().size

    second = upload(cast.case, cast.researcher, key="a key")

    assert second == first
    assert custody.head().size == size
    assert EvidenceItem.objects.count() == 1


def test_a_key_is_its_users_own(cast):
    first = upload(cast.case, cast.researcher, key="a key")

    second = upload(cast.other_case, cast.stranger, key="a key")

    assert first.item != second.item


def test_a_declared_digest_that_agrees_is_recorded(cast):
    receipt = _receive(cast, declared_sha256=SHA256.upper())

    assert receipt.declared_match == "match"
    assert EvidenceItem.objects.get(pk=receipt.item).status != EvidenceItem.Status.CANDIDATE


def test_a_declared_digest_that_differs_makes_a_candidate_and_stands_in_the_entry(cast):
    declared = hashlib.sha256(b"other bytes").hexdigest()

    receipt = _receive(cast, declared_sha256=declared)

    assert (receipt.declared_match, receipt.sha256) == ("mismatch", SHA256)
    assert EvidenceItem.objects.get(pk=receipt.item).status == EvidenceItem.Status.CANDIDATE
    data = _entries(receipt.item)[-1].data
    assert (data["declared_match"], data["declared_sha256"]) == ("mismatch", declared)
    file = EvidenceFile.objects.get(item=receipt.item)
    assert (file.declared_match, file.declared_hash) == ("mismatch", f"sha256:{declared}")


def test_the_same_bytes_in_two_cases_are_two_items_and_one_object(
    cast, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        first = upload(cast.case, cast.researcher)
        second = upload(cast.other_case, cast.stranger)

    assert first.item != second.item
    assert first.sha256 == second.sha256
    assert StoredObject.objects.count() == 1
    assert list(store.held()) == [first.sha256]
    assert store.has_sidecar(first.sha256, first.item)
    assert store.has_sidecar(second.sha256, second.item)


class _PowerCutError(Exception):
    pass


@pytest.mark.parametrize(("module", "at"), [(store, "record_all"), (processing, "plan")])
def test_a_crash_after_the_bytes_leaves_nothing_catalogued(cast, monkeypatch, module, at):
    size = custody.head().size

    def cut(*_args, **_kwargs):
        raise _PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(module, at, cut)
        with pytest.raises(_PowerCutError):
            upload(cast.case, cast.researcher, content=CONTENT, key="k")

    assert list(store.held()) == [SHA256]
    for table in (EvidenceItem, EvidenceFile, Acquisition, StoredObject, Analysis):
        assert not table.objects.exists(), table
    assert custody.head().size == size

    again = upload(cast.case, cast.researcher, content=CONTENT, key="k")

    assert again.reference == "TEST-001-0001"


def test_a_stream_that_breaks_off_leaves_nothing(cast):
    size = custody.head().size

    def chunks():
        yield b"half of "
        raise OSError(5, "Input/output error")

    with pytest.raises((OSError, store.StoreError)):
        intake.receive(
            chunks(),
            filename="x",
            media_type="",
            case=cast.case,
            user=cast.researcher,
            description=intake.Description(title="A note", kind="document"),
            acquisition=intake.AcquisitionFacts(),
            now=NOW,
        )

    assert list(store.held()) == []
    assert not EvidenceItem.objects.exists()
    assert custody.head().size == size


def test_the_sidecar_holds_what_the_catalogue_is_rebuilt_from(
    cast, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        receipt = upload(cast.case, cast.researcher, filename=CYRILLIC, title="Показания")

    path = store.path(receipt.sha256)
    sidecar = json.loads((path.parent / f"{path.name}.{receipt.item}.json").read_text("utf-8"))

    file = EvidenceFile.objects.get(item=receipt.item)
    assert sidecar.pop("received_by") == _entries(receipt.item)[-1].actor
    assert sidecar == {
        "format": 1,
        "case": {"id": str(cast.case.pk), "reference": "TEST-001"},
        "item": str(receipt.item),
        "exhibit_number": "TEST-001-0001",
        "kind": "document",
        "title": "Показания",
        "level": "internal",
        "file": str(file.pk),
        "original_filename": CYRILLIC,
        "media_type": "text/plain",
        "sha256": receipt.sha256,
        "sha512": receipt.sha512,
        "size": receipt.size,
        "received_at": "2026-01-15T12:00:00+00:00",
    }


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[1:40])
def test_a_name_is_kept_as_it_came_and_names_no_path(
    cast, settings, name, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        receipt = upload(cast.case, cast.researcher, content=name.encode(), filename=name)

    assert receipt.filename == name
    assert EvidenceFile.objects.get(item=receipt.item).original_filename == name
    seq = receipt.entry_seq
    assert disclosures.opened([seq])[seq]["original_filename"] == name
    kept = {path.name for path in settings.DATA_DIR.rglob("*") if path.is_file()}
    assert {receipt.sha256, f"{receipt.sha256}.{receipt.item}.json"} == {
        one for one in kept if "sqlite" not in one
    }


def test_a_sidecar_that_a_crash_left_out_is_written_later(cast):
    receipt = upload(cast.case, cast.researcher)
    assert not store.has_sidecar(receipt.sha256, receipt.item)

    assert sidecars.restore(since=NOW) == 1

    assert store.has_sidecar(receipt.sha256, receipt.item)
    assert sidecars.restore(since=NOW) == 0


@pytest.mark.parametrize("name", ["", "\x00", "photo\x00.jpg"])
def test_a_name_that_no_database_keeps_is_refused_before_any_byte(cast, name):
    with pytest.raises(intake.IntakeError, match="rename"):
        upload(cast.case, cast.researcher, filename=name)

    assert list(store.held()) == []


@pytest.mark.parametrize(
    "description",
    [
        intake.Description(title="  ", kind="document"),
        intake.Description(title="A note", kind="dossier"),
        intake.Description(title="A note", kind="document", markers=("secret",)),
        intake.Description(title="A note", kind="document", latitude=0.0, longitude=0.0),
    ],
)
def test_what_cannot_be_described_is_refused_before_any_byte(cast, description):
    with pytest.raises(intake.IntakeError):
        intake.receive(
            [CONTENT],
            filename="x",
            media_type="",
            case=cast.case,
            user=cast.researcher,
            description=description,
            acquisition=intake.AcquisitionFacts(),
            now=NOW,
        )

    assert list(store.held()) == []
    assert not EvidenceItem.objects.exists()


def test_a_marker_raises_the_level_that_governs(cast):
    receipt = intake.receive(
        [CONTENT],
        filename="x",
        media_type="",
        case=cast.case,
        user=cast.researcher,
        description=intake.Description(title="A", kind="image", level="public", markers=("minor",)),
        acquisition=intake.AcquisitionFacts(),
        now=NOW,
    )

    assert EvidenceItem.objects.get(pk=receipt.item).effective_level == "sealed"


def test_an_empty_file_is_received_too(cast):
    receipt = upload(cast.case, cast.researcher, content=b"")

    assert (receipt.size, receipt.sha256) == (0, hashlib.sha256().hexdigest())


def test_a_large_file_is_received_from_its_path(cast, tmp_path):
    content = os.urandom(9 * 2**20)
    path = tmp_path / "large.bin"
    path.write_bytes(content)

    receipt = intake.receive(
        path,
        filename="large.bin",
        media_type="application/octet-stream",
        case=cast.case,
        user=cast.researcher,
        description=intake.Description(title="Large", kind="document"),
        acquisition=intake.AcquisitionFacts(),
        now=NOW,
    )

    assert receipt.sha256 == hashlib.sha256(content).hexdigest()
    assert receipt.size == len(content)
