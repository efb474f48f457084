"""The ledger on PostgreSQL: recorded, signed, audited, and refusing changes as on SQLite."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import services

SCRIPT = """
import uuid
import django
django.setup()
from django.core.management import call_command
from django.db import Error, connection, transaction
call_command("migrate", verbosity=0)
from archive import auditing, checkpoints, custody, guards
from archive.proof.events import CaseOpened, ItemExported

actor = custody.Actor(id="a-" + "1" * 32, role="researcher")
item = uuid.uuid4()
custody.open_log()
with custody.recording(actor=actor) as log:
    log.add(CaseOpened(case=str(item), title="A title"))
    for number in range(30):
        log.add(
            ItemExported(case=str(item), bundle=str(item), next_item_seq=number),
            item=item if number % 2 else None,
        )
assert checkpoints.checkpoint().size == 32
row = custody.history_of(item).first()
assert (row.kind, row.item, row.item_seq) == ("item.exported", str(item), 0)
assert (row.actor, row.case, row.time) == (actor.id, str(item), custody.entries()[1].time)

assert guards.missing(connection) == []
STATEMENTS = [
    "UPDATE archive_entry SET body = '{}'",
    "DELETE FROM archive_entry",
    "TRUNCATE archive_entry CASCADE",
    "INSERT INTO archive_entry (log_id, seq, leaf, body) SELECT log_id, seq, leaf, body "
    "FROM archive_entry WHERE seq = 3 ON CONFLICT (log_id, seq) DO UPDATE SET body = '{}'",
    "UPDATE archive_loghead SET size = 1",
    "DELETE FROM archive_loghead",
    "UPDATE archive_itemhead SET next_seq = 0",
    "DELETE FROM archive_node",
    "UPDATE archive_checkpoint SET note = 'x'",
    "UPDATE archive_disclosure SET text = 'x'",
    "TRUNCATE archive_disclosure",
    "SET LOCAL session_replication_role = replica; DELETE FROM archive_checkpoint",
    # An entry after a gap, and one whose leaf is not its bytes' hash.
    "INSERT INTO archive_entry (log_id, seq, leaf, body) SELECT log_id, 100, "
    "sha256(decode('00', 'hex') || convert_to(body || ' ', 'UTF8')), body || ' ' "
    "FROM archive_entry WHERE seq = 0",
    "INSERT INTO archive_entry (log_id, seq, leaf, body) "
    "SELECT log_id, (SELECT max(seq) + 1 FROM archive_entry), "
    "sha256(decode('01', 'hex') || convert_to(body, 'UTF8')), body "
    "FROM archive_entry WHERE seq = 0",
]
for statement in STATEMENTS:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except Error as error:
        assert "append-only" in str(error), (statement, error)
    else:
        raise AssertionError(statement)

report = auditing.audit(actor=actor)
assert str(report.verdict) == "verified", report.as_text()
with connection.cursor() as cursor:
    for weakening in [
        "DROP TRIGGER archive_entry_is_not_changed ON archive_entry",
        "ALTER TABLE archive_entry DISABLE TRIGGER archive_entry_is_not_changed",
        "ALTER TABLE archive_entry ENABLE TRIGGER archive_entry_is_not_changed",
        "CREATE OR REPLACE TRIGGER archive_entry_is_not_changed BEFORE UPDATE ON archive_entry "
        "FOR EACH ROW WHEN (false) EXECUTE FUNCTION archive_refuse(); "
        "ALTER TABLE archive_entry ENABLE ALWAYS TRIGGER archive_entry_is_not_changed",
    ]:
        cursor.execute(weakening)
        assert guards.missing(connection) == ["archive_entry_is_not_changed"], weakening
        call_command("migrate", verbosity=0)
        assert guards.missing(connection) == []
    cursor.execute(
        "CREATE OR REPLACE FUNCTION archive_refuse() RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'"
    )
    assert "archive_log_is_not_changed" in guards.missing(connection)
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []
    cursor.execute(
        "SELECT tgenabled FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgrelid = 'evidence_evidencefile'::regclass"
    )
    assert cursor.fetchall() == [("A",), ("A",)]
connection.close()
print("all of it")
"""


@pytest.mark.processes
def test_the_ledger_holds_on_postgresql(committed_database, tmp_path):
    with services.postgresql().database() as url:
        environment = {**committed_database.environment, "DATABASE_URL": url}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert done.stdout == "all of it\n", done.stderr
