"""What the store promises to the acts: rows, sidecars, reading back, and the sweep of all."""

from __future__ import annotations

import hashlib
import json
import uuid
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from archive import fixity, store
from archive.models.stored_object import StoredObject

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def kept(content: bytes = b"evidence") -> StoredObject:
    with transaction.atomic():
        return store.record(store.put([content]), now=NOW)


@pytest.mark.django_db
def test_a_row_says_what_was_measured_and_there_is_one_for_the_same_bytes():
    first, second = kept(), kept()

    assert first == second
    assert StoredObject.objects.count() == 1
    assert (first.size, first.crc32, first.state) == (8, zlib.crc32(b"evidence"), "stored")
    assert first.first_stored_at == NOW
    with store.open(first.sha256) as file:
        assert file.read() == b"evidence"


def test_a_row_outside_a_transaction_is_refused(committed_database):
    with pytest.raises(RuntimeError, match="transaction"):
        store.record(store.put([b"evidence"]))


@pytest.mark.django_db
def test_a_row_that_stands_for_other_bytes_is_refused():
    StoredObject.objects.create(
        sha256=hashlib.sha256(b"evidence").hexdigest(),
        sha512="0" * 128,
        size=9,
        crc32=0,
        first_stored_at=NOW,
    )

    with pytest.raises(store.StoreError, match="other bytes"):
        kept()


@pytest.mark.django_db
def test_bytes_that_were_lost_and_come_again_count_as_stored():
    row = kept()
    store.path(row.sha256).unlink()
    assert fixity.check(row, now=NOW).outcome == "missing"

    again = kept()

    assert again.state == StoredObject.State.STORED
    assert store.check(row.sha256).outcome == "intact"


def test_a_sidecar_is_whole_and_has_its_place_beside_the_original():
    sha256 = store.put([b"evidence"]).measurement.sha256.hex()
    item = uuid.uuid4()

    assert not store.has_sidecar(sha256, item)
    store.write_sidecars([(sha256, item, {"title": "відео"})])
    assert store.has_sidecar(sha256, item)
    store.write_sidecars([(sha256, item, {"title": "відео 2"})])

    folder = store.path(sha256).parent
    assert sorted(path.name for path in folder.iterdir()) == [sha256, f"{sha256}.{item}.json"]
    assert json.loads((folder / f"{sha256}.{item}.json").read_bytes()) == {"title": "відео 2"}
    assert list(store.held()) == [sha256]


@pytest.mark.parametrize("name", ["../" * 10 + "x", "A" * 64, "", "a" * 63, "a" * 64 + "\n"])
def test_what_is_no_digest_never_becomes_a_path(name):
    for act in (store.open, store.path):
        with pytest.raises(ValueError, match="SHA-256"):
            act(name)


@pytest.mark.parametrize(
    ("damage", "outcome"),
    [
        (lambda path: None, "intact"),
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(b"Evidence"), "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(b"evidence."), "damaged"),
        (lambda path: path.chmod(0o600), "intact"),
    ],
)
def test_reading_back_finds_exactly_the_damage(damage, outcome):
    sha256 = store.put([b"evidence"]).measurement.sha256.hex()
    damage(store.path(sha256))

    assert store.check(sha256).outcome == outcome


@pytest.mark.django_db
def test_the_sweep_begins_with_the_longest_unread_and_stops_in_time():
    rows = [kept(bytes([number])) for number in range(4)]
    for age, row in enumerate(rows[:3]):
        StoredObject.objects.filter(pk=row.pk).update(last_fixity_at=NOW - timedelta(days=age + 1))
    store.path(rows[2].sha256).chmod(0o600)
    store.path(rows[2].sha256).write_bytes(b"?")
    ticks = iter([NOW, NOW, NOW, NOW, NOW, NOW + timedelta(hours=1)])

    found = list(
        fixity.sweep(started=NOW, clock=lambda: next(ticks), until=NOW + timedelta(minutes=1))
    )

    assert [one.sha256 for one in found] == [rows[3].sha256, rows[2].sha256]
    assert [one.outcome for one in found] == ["intact", "damaged"]
    rows[2].refresh_from_db()
    assert (rows[2].state, rows[2].last_fixity_outcome) == ("damaged", "damaged")
    rest = list(fixity.sweep(started=NOW, clock=lambda: NOW, until=NOW + timedelta(minutes=1)))
    assert [one.sha256 for one in rest] == [rows[1].sha256, rows[0].sha256]


def test_the_store_offers_no_way_to_delete_or_overwrite():
    offered = {name for name in dir(store) if name in store.__all__}

    assert not [name for name in offered if "delete" in name or "remove" in name]
    sha256 = store.put([b"evidence"]).measurement.sha256.hex()
    with store.open(sha256) as file:
        assert not file.writable()
