"""On PostgreSQL the application's role can add to the ledger, and neither change nor unguard it.

The database and its two roles are made with the statements of docs/operate/running.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import Error, ProgrammingError, connection, connections, transaction

from archive import auditing, checkpoints, checks, custody, grants, guards, store
from archive.models.checkpoint import Checkpoint
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from archive.proof.events import CaseOpened, ItemExported
from archive.proof.report import Verdict
from config.environment import ROOT
from tests import services
from tests.databases import TABLES, on_postgresql

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
ITEM = str(uuid.UUID(int=1))


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


RIGHT = "permission denied|must be owner|not the owner"
GUARD = "append-only|written once"
_NEXT = "SELECT log_id, %s, sha256(%s || convert_to(body || ' ', 'UTF8')), body || ' '"
_NEXT += " FROM archive_entry WHERE seq = 0"
_ADD = "INSERT INTO archive_entry (log_id, seq, leaf, body) "
ATTACKS = {
    "edit an entry": (RIGHT, "UPDATE archive_entry SET leaf = leaf WHERE seq = 3"),
    "delete an entry": (RIGHT, "DELETE FROM archive_entry WHERE seq = 19"),
    "empty the entries": (RIGHT, "TRUNCATE archive_entry"),
    "empty everything": (RIGHT, "TRUNCATE archive_log CASCADE"),
    "drop the entries": (RIGHT, "DROP TABLE archive_entry"),
    "rename the entries": (RIGHT, "ALTER TABLE archive_entry RENAME TO was"),
    "make the columns plain": (RIGHT, "ALTER TABLE archive_entry ALTER kind DROP EXPRESSION"),
    "disable the triggers": (RIGHT, "ALTER TABLE archive_entry DISABLE TRIGGER USER"),
    "drop a trigger": (RIGHT, "DROP TRIGGER archive_entry_is_not_changed ON archive_entry"),
    "act as a replica": (RIGHT, "SET LOCAL session_replication_role = replica"),
    "put another guard in place": (
        RIGHT,
        (
            "CREATE OR REPLACE FUNCTION archive_refuse() RETURNS trigger "
            "LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        ),
    ),
    "drop the guard": (RIGHT, "DROP FUNCTION archive_refuse CASCADE"),
    "have the guard look elsewhere": (
        RIGHT,
        "ALTER FUNCTION archive_refuse_unless_next() SET search_path = pg_temp",
    ),
    "turn inserts into nothing": (
        RIGHT,
        "CREATE RULE nothing AS ON INSERT TO archive_entry DO INSTEAD NOTHING",
    ),
    "add a trigger that swallows entries": (
        RIGHT,
        (
            "CREATE TRIGGER swallow BEFORE INSERT ON archive_entry FOR EACH ROW "
            "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
    ),
    "make a table": (RIGHT, "CREATE TABLE of_its_own (id int)"),
    "hold every writer up": (RIGHT, "LOCK TABLE archive_entry IN ACCESS EXCLUSIVE MODE"),
    "upsert": (
        RIGHT,
        (
            f"{_ADD} SELECT log_id, seq, leaf, body FROM archive_entry WHERE seq = 3 "
            "ON CONFLICT (log_id, seq) DO UPDATE SET leaf = excluded.leaf"
        ),
    ),
    "insert after a gap": (GUARD, _ADD + _NEXT % ("100", "'\\x00'::bytea")),
    "insert with another leaf": (GUARD, _ADD + _NEXT % ("20", "'\\x01'::bytea")),
    "put the head back": (GUARD, "UPDATE archive_loghead SET size = 10"),
    "delete the head": (RIGHT, "DELETE FROM archive_loghead"),
    "put an item's head back": (GUARD, "UPDATE archive_itemhead SET next_seq = 1"),
    "delete an item's head": (RIGHT, "DELETE FROM archive_itemhead"),
    "edit a node": (RIGHT, "UPDATE archive_node SET hash = hash"),
    "exchange a checkpoint": (RIGHT, "UPDATE archive_checkpoint SET note = 'x'"),
    "delete the checkpoints": (RIGHT, "DELETE FROM archive_checkpoint"),
    "give the log another name": (RIGHT, "UPDATE archive_log SET origin = 'x.invalid/y'"),
    "exchange a personal value": (GUARD, "UPDATE archive_disclosure SET text = 'x'"),
    "delete a personal value": (RIGHT, "DELETE FROM archive_disclosure"),
    "change what an original is": (GUARD, "UPDATE archive_storedobject SET size = size + 1"),
    "forget an original": (RIGHT, "DELETE FROM archive_storedobject"),
    "unsay a migration": (RIGHT, "DELETE FROM django_migrations"),
    "change a file of evidence": (RIGHT, "UPDATE evidence_evidencefile SET id = id"),
}


@on_postgresql
def test_the_application_is_refused_every_attack_by_name(filled):
    let_through, otherwise = [], []
    before = _rows(filled)
    for name, (refusal, statement) in ATTACKS.items():
        said = _said_to(statement)
        if said is None:
            let_through.append(name)
        elif not re.search(refusal, said):
            otherwise.append((name, said))

    assert let_through == []
    assert otherwise == []
    assert len(ATTACKS) >= 10
    assert _rows(filled) == before


def _said_to(statement):
    """Return the database's refusal; None when it carried the statement out, which is undone."""
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


@on_postgresql
def test_a_superuser_without_the_guards_can_do_each_of_them(filled):
    # So that a refusal above can't come from a statement that never worked.
    for name, (_, statement) in ATTACKS.items():
        with filled.insider() as insider:
            insider.execute("BEGIN")
            insider.lift_guards()
            insider.execute("ALTER TABLE evidence_evidencefile DISABLE TRIGGER ALL")
            try:
                insider.execute(statement)
            except psycopg.Error as error:
                pytest.fail(f"{name}: {error}")
            insider.execute("ROLLBACK")


@on_postgresql
def test_the_application_can_not_become_the_owner(filled):
    owner = f"{filled.roles.role}_owner"
    for statement in (f"SET ROLE {owner}", f"SET SESSION AUTHORIZATION {owner}"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    with connection.cursor() as cursor:  # a warning, and no right
        cursor.execute(f"GRANT UPDATE ON archive_node TO {filled.roles.role}")

    assert grants.excess(connection) == []


@on_postgresql
def test_the_owner_too_meets_the_guards_until_it_lifts_them(filled):
    with psycopg.connect(filled.roles.owner, autocommit=True) as owner:
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute("DELETE FROM archive_checkpoint")
        owner.execute("ALTER TABLE archive_checkpoint DISABLE TRIGGER USER")
        owner.execute("DELETE FROM archive_checkpoint")

    # The owner is not held; it is found.
    assert not Checkpoint.objects.exists()
    assert auditing.audit(actor=ACTOR).verdict is not Verdict.VERIFIED


@on_postgresql
def test_the_honest_application_records_signs_erases_and_audits_in_its_role(filled):
    with custody.recording(actor=ACTOR) as log:
        store.record(store.put([b"more evidence"]))
        kept = log.add(CaseOpened(case=ITEM, reference="K-2", title="Another title"))
    StoredObject.objects.update(state=StoredObject.State.DAMAGED)
    StoredObject.objects.update(state=StoredObject.State.STORED)
    newest = checkpoints.checkpoint()

    assert (kept.seq, newest.size) == (20, 21)
    assert Entry.objects.get(seq=20).body
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED


@on_postgresql
def test_a_right_too_many_is_an_error_and_a_migrate_takes_it_away(filled):
    with filled.insider() as insider:
        insider.execute(f"GRANT UPDATE, TRUNCATE ON archive_entry TO {filled.roles.role}")
        insider.execute("GRANT DELETE ON archive_node TO PUBLIC")
    found = checks.application_owns_nothing()

    call_command("migrate", verbosity=0)

    assert [one.id for one in found] == ["archive.E021"]
    assert "has DELETE on archive_node" in found[0].msg
    assert "has UPDATE on archive_entry" in found[0].msg
    assert checks.application_owns_nothing() == []


@on_postgresql
def test_a_right_too_few_is_an_error_and_a_migrate_gives_it(filled):
    with filled.insider() as insider:
        insider.execute(f"REVOKE ALL ON archive_entry, auth_user FROM {filled.roles.role}")
    found = checks.application_owns_nothing() + checks.ledger_is_guarded_and_complete()

    call_command("migrate", verbosity=0)

    assert [one.id for one in found] == ["archive.E022"]
    assert "INSERT on archive_entry" in found[0].msg
    assert checks.application_owns_nothing() == []


@on_postgresql
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER ROLE {0} SUPERUSER", "is a superuser"),
        ("ALTER ROLE {0} CREATEROLE", "may make itself a member of other roles"),
        ("GRANT {0}_owner TO {0}", "is a member of {0}_owner who does"),
        ("ALTER TABLE archive_node OWNER TO {0}", "owns tables"),
        ("ALTER FUNCTION archive_refuse OWNER TO {0}", "owns a guard's function archive_refuse"),
        ("ALTER SCHEMA public OWNER TO {0}", "owns the schema public"),
        ("GRANT CREATE ON SCHEMA public TO {0}", "may make tables in the schema public"),
        ("GRANT pg_read_server_files TO {0}", "is a member of pg_read_server_files"),
    ],
)
def test_a_role_that_could_lift_the_guards_is_an_error(filled, statement, said):
    role = filled.roles.role
    with filled.insider() as insider:
        insider.execute(statement.format(role))
        try:
            found = checks.application_owns_nothing()
        finally:  # roles are the whole server's
            insider.execute(f"ALTER ROLE {role} NOSUPERUSER NOCREATEROLE")
            insider.execute(f"REVOKE {role}_owner, pg_read_server_files FROM {role}")

    assert [one.id for one in found] == ["archive.E021"]
    assert said.format(role) in found[0].msg


@on_postgresql
def test_one_role_for_both_works_and_is_warned_of(committed_database, settings):
    settings.DATABASE_OWNER = {}
    role = committed_database.roles.role
    with committed_database.insider() as insider:
        insider.execute(f"REASSIGN OWNED BY {role}_owner TO {role}")

    call_command("migrate", verbosity=0)
    custody.open_log()

    assert [one.id for one in checks.application_owns_nothing()] == ["archive.W020"]
    assert guards.missing(connection) == []


@on_postgresql
def test_without_the_owners_address_migrate_says_what_it_can_not_do(
    committed_database, settings, capsys
):
    settings.DATABASE_OWNER = {}

    call_command("migrate")
    with pytest.raises(CommandError, match=r"does not own the tables .* DATABASE_OWNER_URL"):
        call_command("migrate", "archive", "zero")

    assert "Nothing to migrate" in capsys.readouterr().out
    assert guards.missing(connection) == []


@on_postgresql
def test_an_owner_that_can_not_connect_is_named(committed_database, settings):
    settings.DATABASE_OWNER = {**settings.DATABASE_OWNER, "USER": "nobody_of_that_name"}

    with pytest.raises(CommandError, match="nobody_of_that_name of DATABASE_OWNER_URL"):
        call_command("migrate")

    assert connections["default"].settings_dict["USER"] == committed_database.roles.role


@pytest.mark.processes
def test_an_operator_sets_it_up_and_the_example_goes_through_it(tmp_path):
    with services.postgresql().two_roles() as roles:
        environment = {
            "PATH": os.environ["PATH"],
            "MUNIMENT_DATA_DIR": str(tmp_path / "data"),
            "MUNIMENT_SIGNER_DIR": str(tmp_path / "signer"),
            "MUNIMENT_KEYS_DIR": str(tmp_path / "keys"),
            "MUNIMENT_RUN_DIR": str(tmp_path / "run"),
            "DATABASE_URL": roles.application,
        }
        said = {}
        for command, others in {
            "migrate": {"DATABASE_OWNER_URL": roles.owner},
            "open_archive": {},
            "make_roles": {},
            "load_example": {},
            "audit": {},
            "check": {"DATABASE_OWNER_URL": roles.owner},
        }.items():
            done = subprocess.run(
                [sys.executable, ROOT / "manage.py", command],
                env={**environment, **others},
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            said[command] = done.stdout + done.stderr

    assert "verified" in said["audit"].lower()
    assert "archive." not in said["check"]
