"""The ledger's rows are neither changed nor removed nor replaced, by any door."""

from __future__ import annotations

import re
import sqlite3
import uuid

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from archive import authorizing, custody, guards, store
from archive.models.checkpoint import Checkpoint, Cosignature, TimestampToken
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, ItemHead, Log, LogHead, Node
from archive.models.stored_object import StoredObject
from archive.models.unchanging import UnchangingError
from archive.proof.events import CaseOpened, ItemExported
from tests.databases import on_sqlite

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
ITEM = uuid.UUID("00000000-0000-4000-8000-000000000001")


pytestmark = on_sqlite


@pytest.fixture
def filled(committed_database):
    """A log of 20 entries with nodes, an item's chain, a disclosure and a checkpoint row."""
    log = custody.open_log()
    with custody.recording(actor=ACTOR) as writing:
        writing.add(CaseOpened(case=str(ITEM), reference="K-1", title="A title"))
        for number in range(18):
            writing.add(
                ItemExported(case=str(ITEM), bundle=str(ITEM), next_item_seq=number + 1), item=ITEM
            )
    signed = Checkpoint.objects.create(log=log, size=20, note="note", signed_at=_now())
    Cosignature.objects.create(checkpoint=signed, vkey="witness", line="line", time=1)
    TimestampToken.objects.create(
        checkpoint=signed, authority="authority", gen_time=_now(), tsr=b"token", entry_seq=19
    )
    return committed_database


def _now():
    return custody.timezone.now()


def _rows(database):
    with database.insider() as insider:
        return {
            table: insider.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in sorted({guard.table for guard in guards.SQLITE})
        }


TABLES = [Log, LogHead, Entry, Node, ItemHead, Checkpoint, Cosignature, TimestampToken]


@pytest.mark.parametrize("model", TABLES)
def test_a_row_read_through_the_orm_can_be_neither_saved_nor_deleted(filled, model):
    before = _rows(filled)
    row = model.objects.first()
    assert row is not None

    with pytest.raises(UnchangingError):
        row.save()
    with pytest.raises(UnchangingError):
        row.delete()

    assert _rows(filled) == before


@pytest.mark.parametrize("model", TABLES)
def test_a_queryset_refuses_every_way_to_change_rows(filled, model):
    before = _rows(filled)
    rows = model.objects.all()
    field = next(f.name for f in model._meta.concrete_fields if not f.primary_key)

    for act in (
        lambda: rows.update(**{field: 1}),
        rows.delete,
        lambda: rows._raw_delete("default"),
        lambda: rows.bulk_update(list(rows), [field]),
        lambda: rows.update_or_create(pk=rows[0].pk),
        lambda: rows.bulk_create(list(rows), ignore_conflicts=True),
        lambda: rows.bulk_create(list(rows), update_conflicts=True, update_fields=[field]),
        lambda: model._base_manager.all().delete(),
    ):
        with pytest.raises(UnchangingError):
            act()

    assert _rows(filled) == before


def test_a_row_made_in_python_with_a_stored_key_does_not_overwrite(filled):
    before = _rows(filled)
    stored = Entry.objects.get(seq=3)

    with pytest.raises(IntegrityError):
        Entry(pk=stored.pk, log_id=stored.log_id, seq=3, leaf=stored.leaf, body="{}").save()

    assert _rows(filled) == before


STATEMENTS = [
    "UPDATE archive_log SET origin = 'x.invalid/y'",
    "DELETE FROM archive_log",
    "REPLACE INTO archive_log (id, origin) SELECT id, 'x.invalid/y' FROM archive_log",
    "UPDATE archive_entry SET body = replace(body, 'item', 'itEm') WHERE seq = 3",
    "UPDATE OR REPLACE archive_entry SET seq = 4 WHERE seq = 3",
    "DELETE FROM archive_entry WHERE seq = 19",
    "DELETE FROM archive_entry",
    (
        "REPLACE INTO archive_entry (log_id, seq, leaf, body) "
        "SELECT log_id, seq, leaf, '{}' FROM archive_entry WHERE seq = 3"
    ),
    (
        "REPLACE INTO archive_entry (id, log_id, seq, leaf, body) "
        "SELECT id, log_id, 20, leaf, body FROM archive_entry WHERE seq = 3"
    ),
    (
        "REPLACE INTO archive_entry (log_id, seq, leaf, body) "
        "SELECT log_id, 20, leaf, body FROM archive_entry WHERE seq = 3"
    ),
    (
        "INSERT INTO archive_entry (log_id, seq, leaf, body) "
        "SELECT log_id, 25, leaf, body FROM archive_entry WHERE seq = 0"
    ),
    (
        "INSERT INTO archive_entry (log_id, seq, leaf, body) "
        "SELECT log_id, 19, leaf, body FROM archive_entry WHERE seq = 0 "
        "ON CONFLICT (log_id, seq) DO UPDATE SET body = excluded.body"
    ),
    "UPDATE archive_node SET hash = zeroblob(32)",
    "DELETE FROM archive_node",
    (
        'REPLACE INTO archive_node (log_id, level, "index", hash) '
        'SELECT log_id, level, "index", zeroblob(32) FROM archive_node'
    ),
    (
        'REPLACE INTO archive_node (id, log_id, level, "index", hash) '
        "SELECT id, log_id, 3, 3, zeroblob(32) FROM archive_node"
    ),
    "UPDATE archive_loghead SET size = 10",
    "UPDATE archive_loghead SET size = 20",
    "UPDATE archive_loghead SET log_id = 9, size = 20",
    "DELETE FROM archive_loghead",
    "REPLACE INTO archive_loghead (log_id, size, peaks) SELECT log_id, 0, x'' FROM archive_loghead",
    "INSERT INTO archive_loghead (log_id, size, peaks) VALUES (77, 5, x'')",
    "UPDATE archive_checkpoint SET note = 'x'",
    "DELETE FROM archive_checkpoint",
    (
        "REPLACE INTO archive_checkpoint (log_id, size, note, signed_at) "
        "SELECT log_id, size, 'x', signed_at FROM archive_checkpoint"
    ),
    (
        "REPLACE INTO archive_checkpoint (id, log_id, size, note, signed_at) "
        "SELECT id, log_id, 30, 'x', signed_at FROM archive_checkpoint"
    ),
    "UPDATE archive_cosignature SET line = 'x'",
    "DELETE FROM archive_cosignature",
    (
        "REPLACE INTO archive_cosignature (checkpoint_id, vkey, line, time) "
        "SELECT checkpoint_id, vkey, line, 2 FROM archive_cosignature"
    ),
    (
        "REPLACE INTO archive_cosignature (id, checkpoint_id, vkey, line, time) "
        "SELECT id, checkpoint_id, vkey, 'x', 2 FROM archive_cosignature"
    ),
    "UPDATE archive_timestamptoken SET tsr = zeroblob(5)",
    "DELETE FROM archive_timestamptoken",
    (
        "REPLACE INTO archive_timestamptoken (checkpoint_id, authority, gen_time, tsr, entry_seq) "
        "SELECT checkpoint_id, authority, gen_time, zeroblob(5), 1 FROM archive_timestamptoken"
    ),
    (
        "REPLACE INTO archive_timestamptoken "
        "(id, checkpoint_id, authority, gen_time, tsr, entry_seq) "
        "SELECT id, checkpoint_id, 'x', gen_time, tsr, 1 FROM archive_timestamptoken"
    ),
    "UPDATE archive_itemhead SET next_seq = 1",
    "UPDATE archive_itemhead SET leaf = zeroblob(32)",
    "UPDATE archive_itemhead SET item = 'x', next_seq = 99",
    "DELETE FROM archive_itemhead",
    (
        "REPLACE INTO archive_itemhead (item, log_id, next_seq, leaf) "
        "SELECT item, log_id, 1, leaf FROM archive_itemhead"
    ),
    "UPDATE archive_disclosure SET text = 'x'",
    "UPDATE archive_disclosure SET digest = 'x', text = NULL, erased_by = 1 WHERE id = 1",
    "DELETE FROM archive_disclosure",
    (
        "REPLACE INTO archive_disclosure (log_id, digest, entry_seq, name, text) "
        "SELECT log_id, digest, entry_seq, name, 'x' FROM archive_disclosure"
    ),
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("recursive", [False, True], ids=["plain", "recursive triggers"])
def test_raw_sql_from_outside_is_refused(filled, statement, recursive):
    # Some builds of SQLite run delete triggers on REPLACE; the guards must hold where it does not.
    before = _rows(filled)

    with filled.insider() as insider:
        insider.execute(f"PRAGMA recursive_triggers = {recursive:d}")
        insider.execute("PRAGMA foreign_keys = OFF")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            insider.execute(statement)

    assert _rows(filled) == before


def test_without_the_guards_the_same_statements_do_change_rows(filled):
    # So that a refusal above can't come from a statement that never worked.
    quiet = []
    for statement in STATEMENTS:
        with filled.insider() as insider:
            insider.execute("PRAGMA foreign_keys = OFF")
            before = list(insider.iterdump())
            insider.execute("BEGIN")
            for guard in guards.SQLITE:
                insider.execute(f'DROP TRIGGER "{guard.name}"')
            insider.execute(statement)
            rows = insider.execute("SELECT changes()").fetchone()[0]
            insider.execute("ROLLBACK")
            if not rows:
                quiet.append(statement)
            assert list(insider.iterdump()) == before

    assert quiet == []


def test_a_value_can_be_erased_once_and_never_put_back(filled):
    with filled.insider() as insider:
        insider.execute("UPDATE archive_disclosure SET text = NULL, erased_by = 5 WHERE id = 1")

        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            insider.execute("UPDATE archive_disclosure SET text = 'x', erased_by = NULL")

    assert Disclosure.objects.get(pk=1).text is None


@pytest.fixture
def stored(filled):
    with custody.writing():
        store.record(store.put([b"evidence"]))
    return filled


CHANGES_OF_WHAT_AN_ORIGINAL_IS = [
    "DELETE FROM archive_storedobject",
    "REPLACE INTO archive_storedobject SELECT * FROM archive_storedobject",
    *(
        f"UPDATE archive_storedobject SET {change}"
        for change in (
            "sha256 = replace(sha256, substr(sha256, 1, 1), 'f')",
            "sha512 = replace(sha512, '0', 'f')",
            "size = size + 1",
            "crc32 = crc32 + 1",
            "first_stored_at = '2020-01-01 00:00:00'",
        )
    ),
]


@pytest.mark.parametrize("statement", CHANGES_OF_WHAT_AN_ORIGINAL_IS)
def test_what_an_original_is_can_be_neither_changed_nor_removed(stored, statement):
    before = _rows(stored)

    with stored.insider() as insider:
        insider.create_function("REGEXP", 2, lambda pattern, text: bool(re.search(pattern, text)))
        insider.execute("PRAGMA foreign_keys = OFF")
        with pytest.raises(sqlite3.IntegrityError, match="written once"):
            insider.execute(statement)
        assert _rows(stored) == before

        # Without its guards the statement does go through: it was they that refused.
        for guard in guards.SQLITE:
            if guard.table == "archive_storedobject":
                insider.execute(f'DROP TRIGGER "{guard.name}"')
        assert insider.execute(statement).rowcount == 1


def test_how_an_original_is_may_be_noted(stored):
    with stored.insider() as insider:
        insider.execute(
            "UPDATE archive_storedobject SET state = 'damaged', "
            "last_fixity_at = '2026-01-01 00:00:00', last_fixity_outcome = 'damaged'"
        )

    assert StoredObject.objects.get().state == StoredObject.State.DAMAGED


def test_a_missing_guard_of_the_originals_rows_is_noticed(stored):
    with stored.insider() as insider:
        insider.execute("DROP TRIGGER stored_object_is_not_deleted")

    assert guards.missing(connection) == ["stored_object_is_not_deleted"]


def test_generated_columns_cannot_be_written(filled):
    with filled.insider() as insider, pytest.raises(sqlite3.OperationalError, match="generated"):
        insider.execute("UPDATE archive_entry SET kind = 'case.opened'")


def test_the_guards_are_back_after_a_migrate(filled):
    with filled.insider() as insider:
        insider.execute("DROP TRIGGER entry_is_not_updated")
        insider.execute("DROP TRIGGER node_is_not_deleted")
        insider.execute(
            "CREATE TRIGGER node_is_not_deleted BEFORE DELETE ON archive_node WHEN 0 "
            "BEGIN SELECT 1; END"
        )
    assert guards.missing(connection) == ["entry_is_not_updated", "node_is_not_deleted"]

    call_command("migrate", verbosity=0)

    assert guards.missing(connection) == []


def test_a_rebuilt_table_loses_its_guards_and_a_migrate_gives_them_back(filled):
    # What Django's AlterField does on SQLite: a new table, a copy, a rename.
    field = Entry._meta.get_field("body")
    connection.disable_constraint_checking()
    with authorizing.schema_may_change(connection), connection.schema_editor() as editor:
        editor._remake_table(Entry, alter_fields=[(field, field)])
    assert "entry_is_not_updated" in guards.missing(connection)

    call_command("migrate", verbosity=0)

    assert guards.missing(connection) == []


def test_flush_is_refused(filled):
    before = _rows(filled)

    with pytest.raises(Exception, match="couldn't be flushed"):
        call_command("flush", interactive=False, verbosity=0)

    assert _rows(filled) == before
