"""What is sealed is found like what is not: by other processes, after damage, out of order."""

from __future__ import annotations

import io
import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from archive import custody
from evidence import processing
from evidence.matching import kept
from evidence.matching.kept import Kept
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.file import EvidenceFile
from tests import people

MAKER = random.Random(5)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Parts are made of some tens, not of hundreds of thousands."""
    monkeypatch.setattr(kept, "SEALED_AT", 50)
    monkeypatch.setattr(kept, "AGAIN", 5)
    monkeypatch.setattr(kept, "_READ", 7)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "fingerprints"


@pytest.fixture
def add(committed_database):
    custody.open_log()
    cast = people.make_cast()
    receipt = people.upload(cast.case, cast.researcher)
    file = EvidenceFile.objects.get(item=receipt.item)
    analysis = Analysis.objects.create(
        file=file, tool="pdq", version="7", created_at=timezone.now()
    )

    def added(number, **more):
        return Fingerprint.objects.bulk_create(
            Fingerprint(
                file=file,
                analysis=analysis,
                algorithm="pdq",
                version="1",
                value=MAKER.randbytes(32).hex(),
                quality=90,
                **more,
            )
            for _ in range(number)
        )

    return added


def all_found(index, rows):
    return all(index.within([row.value], 31)[0] == {row.pk} for row in rows)


def parts_in(folder: Path) -> Any:
    return json.loads((folder / "parts.json").read_text())["parts"]


def test_rows_are_found_before_and_after_they_are_sealed_by_each_process(add, folder, monkeypatch):
    monkeypatch.setattr(kept, "SEALED_AT", 10_000)  # by us, not when it has grown long
    ours, theirs = Kept(folder), Kept(folder)
    rows = add(80)
    assert all_found(theirs, rows)
    assert all_found(ours, rows)

    ours.seal()

    for row in rows:
        for index in (ours, theirs, Kept(folder)):
            near, number = index.within([row.value], 31)
            assert (near, number) == ({row.pk}, 80)
    [first] = parts_in(folder)

    rows += add(70)
    assert all_found(theirs, rows)
    theirs.seal()
    [second] = parts_in(folder)  # merged with the first, whose files are gone
    assert second != first
    folders = {path.name for path in folder.iterdir() if path.is_dir()}
    assert folders & {first, second} == {second}
    for index in (ours, theirs, Kept(folder)):
        assert all_found(index, rows)
        assert index.within([rows[0].value], 31)[1] == 150
        assert [len(one) for one in index._parts.values()] == [145]  # all that had settled
        assert len(index._rest) == 5


def test_a_long_part_is_left_as_it_is_and_another_stands_beside_it(add, folder, monkeypatch):
    monkeypatch.setattr(kept, "_SAME_SIZE", 1)
    index = Kept(folder)
    rows = add(200)
    index.within([], 31)
    index._sealing.join()
    rows += add(60)
    index.within([], 31)
    index._sealing.join()

    assert len(parts_in(folder)) == 2
    assert all_found(Kept(folder), rows)


def test_a_row_that_is_committed_late_is_found_beside_the_sealed_ones(add, folder):
    rows = add(60)
    values = Fingerprint.objects.filter(pk=rows[-3].pk).values().get()
    Fingerprint.objects.filter(pk=rows[-3].pk).delete()
    index = Kept(folder)
    index.within([], 31)
    index._sealing.join()

    Fingerprint.objects.create(**values)

    for one in (index, Kept(folder)):
        assert all_found(one, rows)


@pytest.mark.parametrize("file", ["columns.npy", "order.npy", "numbers.npy", None])
def test_damaged_files_are_noticed_and_made_again_from_the_rows(add, folder, file):
    rows = add(60)
    index = Kept(folder)
    index.within([], 31)
    index._sealing.join()
    [name] = parts_in(folder)
    if file is None:
        (folder / "parts.json").write_text("{not a list")
    else:
        content = bytearray((folder / name / file).read_bytes())
        content[-1] ^= 1
        (folder / name / file).write_bytes(content)

    again = Kept(folder)

    assert all_found(again, rows)
    again._sealing.join()
    assert all_found(Kept(folder), rows)
    assert len(Kept(folder)._rest) == 0
    fresh = Kept(folder)
    fresh.within([], 31)
    assert len(fresh._parts) == 1


def test_parts_of_another_database_are_not_believed(add, folder, caplog):
    rows = add(60)
    index = Kept(folder)
    index.within([], 31)
    index._sealing.join()
    for row in rows:
        row.value = MAKER.randbytes(32).hex()
    Fingerprint.objects.bulk_update(rows, ["value"])

    again = Kept(folder)

    assert all_found(again, rows)
    assert "not of this database" in caplog.text


def test_only_one_process_seals_at_a_time(add, folder):
    add(60)
    ours, theirs = Kept(folder), Kept(folder)
    for index in (ours, theirs):
        index.within([], 31)
    for index in (ours, theirs):
        index._sealing.join()

    assert len(parts_in(folder)) == 1


def test_a_disk_that_is_full_keeps_no_search_from_its_answer(add, folder, caplog):
    rows = add(60)
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder belongs")
    index = Kept(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Kept, "_list", lambda _self: "")

        assert all_found(index, rows)
        index._sealing.join()

    assert "were not sealed" in caplog.text


@pytest.mark.parametrize("committed_database", ["postgresql"], indirect=True)
def test_fingerprints_are_committed_in_the_order_of_their_ids(add, folder):
    """A film's thousands must not come to light behind rows that were read already."""
    [row] = add(1)
    answer = {
        "fingerprints": [
            {
                "algorithm": "pdq",
                "version": "1",
                "variant": "base",
                "value": MAKER.randbytes(32).hex(),
                "quality": 90,
            }
            for _ in range(20)
        ]
    }
    row.analysis.result = answer
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def longer():
        with transaction.atomic():
            processing._keep_fingerprint(row.analysis, io.BytesIO())
            begun.set()
            assert go_on.wait(20)
        connections.close_all()

    def shorter():
        with transaction.atomic():
            processing._keep_fingerprint(row.analysis, io.BytesIO())
        ended.set()
        connections.close_all()

    first, second = threading.Thread(target=longer), threading.Thread(target=shorter)
    first.start()
    assert begun.wait(20)
    second.start()
    index = Kept(folder)
    early = not ended.wait(1)
    index.within([], 31)
    go_on.set()
    first.join()
    second.join()

    assert early, "the second did not wait for the first"
    assert index.within([], 31)[1] == 41
