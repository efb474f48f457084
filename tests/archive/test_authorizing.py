"""On SQLite the application's own connection is refused what would change or unguard the ledger."""

from __future__ import annotations

import re
import sqlite3
import uuid

import pytest
from django.core.management import call_command
from django.db import DatabaseError, Error, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from archive import auditing, authorizing, checkpoints, custody, guards, store
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from archive.proof.events import CaseOpened, ItemExported
from archive.proof.report import Verdict
from tests.databases import TABLES, on_sqlite

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
ITEM = str(uuid.UUID(int=1))

pytestmark = on_sqlite


@pytest.fixture
def filled(committed_database):
    """A log of 20 entries, a checkpoint, an item's chain, a personal value and an original."""
    custody.open_log()
    with custody.recording(actor=ACTOR) as log:
        store.record(store.put([b"evidence"]))
        log.add(CaseOpened(case=ITEM, reference="K-1", title="A title"))
        for number in range(18):
            log.add(ItemExported(case=ITEM, bundle=ITEM, next_item_seq=number + 1), item=ITEM)
    checkpoints.checkpoint()
    return committed_database


ASKED = "not authorized"
GUARD = "append-only|written once"
_ADD = "INTO archive_entry (log_id, seq, leaf, body) SELECT log_id, {}, leaf, body"
_ADD += " FROM archive_entry WHERE seq = 3"
ATTACKS = {
    "edit an entry": (ASKED, "UPDATE archive_entry SET leaf = leaf WHERE seq = 3"),
    "delete an entry": (ASKED, "DELETE FROM archive_entry WHERE seq = 19"),
    "edit a node": (ASKED, "UPDATE archive_node SET hash = hash"),
    "exchange a checkpoint": (ASKED, "UPDATE archive_checkpoint SET note = 'x'"),
    "delete the checkpoints": (ASKED, "DELETE FROM archive_checkpoint"),
    "give the log another name": (ASKED, "UPDATE archive_log SET origin = 'x.invalid/y'"),
    "delete the head": (ASKED, "DELETE FROM archive_loghead"),
    "put the head back": (GUARD, "UPDATE archive_loghead SET size = 10"),
    "delete an item's head": (ASKED, "DELETE FROM archive_itemhead"),
    "exchange a personal value": (GUARD, "UPDATE archive_disclosure SET text = 'x'"),
    "delete a personal value": (ASKED, "DELETE FROM archive_disclosure"),
    "change what an original is": (GUARD, "UPDATE archive_storedobject SET size = size + 1"),
    "forget an original": (ASKED, "DELETE FROM archive_storedobject"),
    "change a file of evidence": (ASKED, "UPDATE evidence_evidencefile SET id = id"),
    "unsay a migration": (ASKED, "DELETE FROM django_migrations"),
    "replace an entry": (GUARD, f"REPLACE {_ADD.format('seq')}"),
    "insert after a gap": (GUARD, f"INSERT {_ADD.format('25').replace('= 3', '= 0')}"),
    "upsert": (
        ASKED,
        f"INSERT {_ADD.format('seq')} ON CONFLICT (log_id, seq) DO UPDATE SET leaf = excluded.leaf",
    ),
    "upsert a head": (
        GUARD,
        (
            "INSERT INTO archive_loghead (log_id, size, peaks) SELECT log_id, 0, x'' "
            "FROM archive_loghead WHERE 1 ON CONFLICT (log_id) DO UPDATE SET size = 0"
        ),
    ),
    "drop the entries": (ASKED, "DROP TABLE archive_entry"),
    "rename the entries": (ASKED, "ALTER TABLE archive_entry RENAME TO was"),
    "add a column": (ASKED, "ALTER TABLE archive_entry ADD COLUMN more TEXT"),
    "drop a trigger": (ASKED, "DROP TRIGGER entry_is_not_updated"),
    "drop an index": (ASKED, "DROP INDEX entry_by_kind"),
    "add a trigger that swallows entries": (
        ASKED,
        "CREATE TRIGGER swallow BEFORE INSERT ON archive_entry BEGIN SELECT RAISE(IGNORE); END",
    ),
    "add one for this connection": (
        ASKED,
        (
            "CREATE TEMP TRIGGER swallow BEFORE INSERT ON main.archive_entry "
            "BEGIN SELECT RAISE(IGNORE); END"
        ),
    ),
    "stand a table in front": (
        ASKED,
        "CREATE TEMP TABLE archive_entry AS SELECT * FROM main.archive_entry",
    ),
    "open the schema": (ASKED, "PRAGMA writable_schema = ON"),
    "pass by the checks": (ASKED, "PRAGMA ignore_check_constraints = ON"),
    "give up what was committed": (ASKED, "PRAGMA synchronous = OFF"),
    "open the file a second time": (ASKED, "ATTACH '{path}' AS again"),
}


def test_the_application_is_refused_every_attack_by_name(filled):
    let_through, otherwise = [], []
    before = _rows(filled)
    for name, (refusal, statement) in ATTACKS.items():
        said = _said_to(statement.format(path=filled.path))
        if said is None:
            let_through.append(name)
        elif not re.search(refusal, said):
            otherwise.append((name, said))

    assert let_through == []
    assert otherwise == []
    assert len(ATTACKS) >= 8
    assert _rows(filled) == before
    assert guards.missing(connection) == []


def _said_to(statement):
    """Return the refusal; None when the statement was carried out, which is undone."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)
            transaction.set_rollback(True)
    except Error as error:
        return str(error)
    return None


def _rows(database):
    with database.insider() as insider:
        return {
            table: insider.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in TABLES
        }


def test_past_django_and_without_the_guards_each_of_them_works(filled):
    # So that a refusal above can't come from a statement that never worked.
    for name, (_, statement) in ATTACKS.items():
        with filled.insider() as insider:
            of_the_connection = statement.startswith("PRAGMA")  # some may not run in a transaction
            try:
                if not of_the_connection:
                    insider.execute("BEGIN")
                    if "TRIGGER entry" not in statement:
                        insider.lift_guards()
                insider.execute(statement.format(path=filled.path))
            except sqlite3.Error as error:
                pytest.fail(f"{name}: {error}")
            if not of_the_connection:
                insider.execute("ROLLBACK")


def test_the_honest_application_records_signs_and_audits(filled):
    with custody.recording(actor=ACTOR) as log:
        store.record(store.put([b"more evidence"]))
        log.add(CaseOpened(case=ITEM, reference="K-2", title="Another title"))
    StoredObject.objects.update(state=StoredObject.State.DAMAGED)
    StoredObject.objects.update(state=StoredObject.State.STORED)

    assert checkpoints.checkpoint().size == 21
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED


def test_every_new_connection_is_watched(filled):
    connection.close()

    assert _said_to("DROP TRIGGER entry_is_not_updated") == "not authorized"


def test_a_migrate_may_change_tables_and_still_not_rows_that_never_change(filled):
    with authorizing.schema_may_change(connection):
        assert _said_to("CREATE TABLE for_a_moment (id int)") is None
        assert _said_to("UPDATE archive_entry SET leaf = leaf") == "not authorized"
        assert _said_to("PRAGMA writable_schema = ON") == "not authorized"
        assert re.search(GUARD, _said_to("DELETE FROM archive_entry"))

    assert _said_to("CREATE TABLE for_a_moment (id int)") == "not authorized"


def test_after_a_migrate_and_after_one_that_failed_the_schema_stands_still(filled, monkeypatch):
    call_command("migrate", verbosity=0)
    assert _said_to("DROP TRIGGER entry_is_not_updated") == "not authorized"

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", _failing)
    with pytest.raises(ZeroDivisionError):
        call_command("migrate", verbosity=0)

    assert _said_to("DROP TRIGGER entry_is_not_updated") == "not authorized"


def _failing(*_):
    raise ZeroDivisionError


def test_a_connection_that_is_opened_during_a_migrate_is_watched(filled):
    with authorizing.schema_may_change(connection):
        connections["default"].close()

        assert _said_to("CREATE TABLE for_a_moment (id int)") == "not authorized"


def test_a_raw_queryset_is_asked_about_too(filled):
    with pytest.raises(DatabaseError, match="not authorized"):
        list(Entry.objects.raw("DELETE FROM archive_entry RETURNING id, seq"))
