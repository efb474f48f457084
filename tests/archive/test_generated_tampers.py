"""One changed value in any column of any ledger table is found, and named as that row's.

Nothing else is named but what hangs on it.

The cases come from the tables' own columns, so a column that is added is tampered with too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from archive import auditing, checkpoints, cosigning, custody, erasing, timestamping
from archive.models.checkpoint import Checkpoint, Cosignature, TimestampToken
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, ItemHead, Log, LogHead, Node
from archive.proof import notes
from archive.proof.events import CaseOpened, ItemExported
from archive.proof.report import FAILED
from archive.signer import Signer
from archive.witness import Witness
from tests import time_authority
from tests.databases import on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")
ITEM = "00000000-0000-4000-8000-000000000001"
OTHER_LOG = 99

#: Columns whose value nothing recorded can contradict, each with the reason.
UNAUDITED = {
    ("archive_log", "id"): "a number that only the database uses; the origin is the log's name",
    ("archive_entry", "id"): "a number that only the database uses; the place is seq",
    ("archive_node", "id"): "a number that only the database uses; the place is level and index",
    ("archive_checkpoint", "id"): "a number that only the database uses; the place is size",
    ("archive_checkpoint", "signed_at"): "the server's clock, which the signature does not cover",
    ("archive_cosignature", "id"): "a number that only the database uses; the line is the name",
    ("archive_timestamptoken", "id"): "a number that only the database uses",
    ("archive_disclosure", "id"): "a number that only the database uses; the digest is the name",
}

ROWS = {
    Log: ["1 = 1"],
    LogHead: ["1 = 1"],
    Entry: [f"seq = {seq}" for seq in (0, 1, 2, 5, 8, 15, 16, 20, 30)],
    Node: ['level = 1 AND "index" = 0', 'level = 1 AND "index" = 1'],
    ItemHead: ["1 = 1"],
    Checkpoint: ["size = 20", "size = 39"],
    Cosignature: ["time = 1", "time = 2"],
    TimestampToken: ["1 = 1"],
    Disclosure: ["name = 'title'", "name = 'reference'"],
}
#: The name of a value that is gone was salted with it, and went with it.
UNAUDITED_ROWS = {("archive_disclosure", "name", "name = 'reference'")}
CASES = [
    (model, column, where)
    for model, rows in ROWS.items()
    for column in (field.column for field in model._meta.concrete_fields)
    if (model._meta.db_table, column) not in UNAUDITED
    for where in rows
    if (model._meta.db_table, column, where) not in UNAUDITED_ROWS
]
GENERATED = {field.column for field in Entry._meta.concrete_fields if field.generated}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return time_authority.make(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def log(committed_database, monkeypatch, settings, tmp_path, authority):
    """Thirty-nine entries, signed at 20 and 39, an item's chain; one value held, one erased.

    A witness cosigned each checkpoint, at second 1 and 2; an authority stamped the second, which
    entry 39 records.
    """
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    made = Witness.create(tmp_path / "witness", name="w.example")
    (tmp_path / "witness" / "logs.txt").write_text(f"log {Signer(settings.SIGNER_DIR).vkey}\n")
    settings.WITNESSES = tmp_path / "witnesses.txt"
    settings.WITNESSES.write_text(f"witness w {made.vkey}\nquorum w\n")
    with custody.recording(actor=ACTOR) as record:
        record.add(CaseOpened(case=ITEM, reference="K-1", title="A title"))
        for number in range(18):
            record.add(_exported(number), item=ITEM if number % 2 else None)
    _cosign(made, checkpoints.checkpoint(), 1)
    with custody.recording(actor=ACTOR) as record:
        for number in range(18):
            record.add(_exported(number), item=ITEM if number % 2 else None)
    erasing.erase([erasing.named(1, "reference")], basis="gdpr-17-1-b", actor=ACTOR)
    _cosign(made, checkpoints.checkpoint(), 2)
    _stamp(authority, settings, tmp_path)
    return committed_database


def _cosign(witness, checkpoint, time):
    (named,) = cosigning.policy().witnesses
    asked = cosigning.request(checkpoint, cosigning.cosigned_size(named))
    cosigning.keep(checkpoint, named, witness.add_checkpoint(asked, now=time))


def _stamp(authority, settings, folder):
    settings.TIME_AUTHORITIES = folder / "authorities.txt"
    settings.TIME_AUTHORITIES.write_text(f"authority a http://127.0.0.1/ {authority.roots}\n")
    newest = checkpoints.latest()
    response = authority.stamp(notes.signed_by_log(newest.note).encode())
    (named,) = timestamping.authorities()
    timestamping.keep(newest, named, response, now=custody.timezone.now())


def _exported(number):
    return ItemExported(case=ITEM, bundle=ITEM, next_item_seq=number)


def _changed(column, value):  # noqa: PLR0911  one line for each kind of value
    if column == "log_id":
        return OTHER_LOG
    if column == "body":
        return value.replace('"v":1}', '"v":2}')
    if value is None:
        return 7 if column in ("item_seq", "erased_by") else ITEM
    if column in ("seq", "item_seq", "index"):
        return value + 1000  # the next place is taken
    if isinstance(value, int):
        return value + 1
    if isinstance(value, datetime):
        return value + timedelta(days=1)
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return chr(ord(value[0]) ^ 1) + value[1:]


def _tamper(database, table, column, where):
    """Change one value with the guards lifted; return it as it is now."""
    with database.insider() as insider:
        insider.lift_guards()
        if table == "archive_entry" and column in GENERATED:
            # A generated column can't be written; who rebuilds the table makes it a plain one.
            names = [field.column for field in Entry._meta.concrete_fields]
            insider.make_plain(table, names if database.vendor == "sqlite" else [column])
        (before,) = insider.execute(f'SELECT "{column}" FROM {table} WHERE {where}').fetchone()
        after = _changed(column, before)
        done = insider.execute(f'UPDATE {table} SET "{column}" = ? WHERE {where}', (after,))
        assert done.rowcount == 1
        assert after != before
        insider.put_guards_back()
    return after


def _subjects(model, column, where, after):  # noqa: PLR0911  one answer for each table
    """Return what the audit must name for that change."""
    place = where.rpartition(" ")[2]
    if model is LogHead:
        return {"entry 40"} if column == "size" else {"the log's head"}
    if model is Entry:
        return {f"entry {place}" + ("" if column in ("log_id", "seq") else f" column {column}")}
    if model is Node:
        level, index = 1, int(place)
        new = {"level": f"node 2/{index}", "index": f"node 1/{after}"}.get(column)
        return {f"node {level}/{index}"} | ({new} if new else set())
    if model is ItemHead:
        return {f"head of item {ITEM}"} | ({f"head of item {after}"} if column == "item" else set())
    if model is Checkpoint:
        return {f"checkpoint at {place}"} | (
            {f"checkpoint at {after}"} if column == "size" else set()
        )
    if model is TimestampToken:
        return {"token 1" if column == "checkpoint_id" else "token 1 of the checkpoint at 39"}
    if model is Cosignature:
        subject = f"cosignature {place}"  # each was the only one of its time, as of its row
        if column == "checkpoint_id":
            return {f"{subject} of the checkpoint at 39" if place == "1" else subject}
        return {f"{subject} of the checkpoint at {20 if place == '1' else 39}"}
    name = after if column == "name" else place.strip("'")
    seq = after if column == "entry_seq" else 1
    return {"a value of entry 1" if column == "log_id" else f"value {name} of entry {seq}"}


def _consequences(model, column, where, after):  # noqa: PLR0911  one answer for each table
    """Return what may be named besides: what hangs on the changed value, and nothing else."""
    place = where.rpartition(" ")[2]
    if model in (Node, LogHead):
        return {"this audit"}  # it can't be recorded on a tree that is broken at its head
    if model is Checkpoint and where == "size = 39" and column in ("size", "log_id"):
        # The token is of another checkpoint then, or of none of this log.
        return {"token 1 of the checkpoint at 40" if column == "size" else "entry 39"}
    if model is Checkpoint and column == "note":
        token = {"token 1 of the checkpoint at 39"} if place == "39" else set()
        return {f"cosignature {1 if place == '20' else 2} of the checkpoint at {place}"} | token
    if model is TimestampToken and column in ("checkpoint_id", "entry_seq"):
        return {"entry 39"}  # which records a token that is not there now
    if model is Disclosure and column == "digest":
        return {"a value of entry 1"}  # of which the entry knows no value now
    if model is not Entry or column not in ("seq", "log_id", "body"):
        return set()
    return _of_the_entry(int(place), column, after)


def _of_the_entry(seq, column, after):
    found = {f"entry {seq}"}  # what kind of entry it is
    if seq in (5, 15):
        found.add(f"entry {seq + 2}")  # the next of the item's chain
    if seq == 0 and column in ("log_id", "body"):  # it names the key of every checkpoint
        found |= {"checkpoint at 20", "checkpoint at 39"}
    if seq == 1:
        found |= {"value title of entry 1", "value reference of entry 1"}
    if column == "seq":
        gap = f"entry 40 to {after - 1}"
        found |= {f"entry {after}", gap, "the log's head", "this audit", f"head of item {ITEM}"}
    return found


def test_there_are_at_least_eighty_cases_and_every_column_is_one_or_has_its_reason():
    columns = {
        (model._meta.db_table, field.column)
        for model in ROWS
        for field in model._meta.concrete_fields
    }

    assert len(CASES) >= 80
    assert set(UNAUDITED) <= columns
    assert columns - set(UNAUDITED) == {
        (model._meta.db_table, column) for model, column, _ in CASES
    }


@on_both
@pytest.mark.parametrize(
    ("model", "column", "where"),
    [pytest.param(*case, id=f"{case[0].__name__}.{case[1]} {case[2]}") for case in CASES],
)
def test_one_changed_value_is_found_and_named(log, model, column, where):
    after = _tamper(log, model._meta.db_table, column, where)

    if model is Log:  # no log of the archive's name is left: nothing passes for one
        with pytest.raises(custody.NotOpenedError):
            auditing.audit(actor=ACTOR)
        return
    report = auditing.audit(actor=ACTOR)

    named = {one.subject for one in report.of(FAILED)}
    changed = _subjects(model, column, where, after)
    assert changed <= named
    assert named - changed <= _consequences(model, column, where, after)
