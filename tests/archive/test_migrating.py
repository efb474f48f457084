"""The guards are there after every migration, forwards and backwards, on both databases."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, OperationalError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from archive import custody, guards
from archive.models.ledger import Entry
from archive.proof.events import LedgerRead
from tests import sampling
from tests.databases import on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


def _targets() -> list[tuple[str, str]]:
    """Every state that the ledger's tables pass through, from the newest to the oldest."""
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    return sorted((key for key in known if key[0] == "archive"), reverse=True)


def _ledger_tables() -> set[str]:
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    return there & {guard.table for guard in guards.SQLITE}


def _refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except Error:
        return True
    return False


@on_both
def test_the_guards_are_there_after_every_migration_back_and_forth(committed_database):
    custody.open_log()
    with custody.recording(actor=ACTOR) as log:
        log.add(LedgerRead(view="custody"))
    before = list(Entry.objects.order_by("seq").values_list("seq", "leaf", "body"))
    targets = _targets()
    assert len(targets) >= 2
    # The oldest always, the others by turns: each step is the whole way to it.
    back = [*targets[:-1][sampling.part(3)], targets[-1]]

    seen = []
    for app, name in [*back, *reversed(back)]:
        call_command("migrate", app, name, verbosity=0)
        seen.append(_ledger_tables())
        assert guards.missing(connection) == [], name
        assert _refused("UPDATE archive_entry SET leaf = leaf WHERE seq = 1"), name
        assert _refused("DELETE FROM archive_entry WHERE seq = 1"), name
    call_command("migrate", verbosity=0)

    assert guards.missing(connection) == []
    assert min(map(len, seen)) < max(map(len, seen))  # tables did go and come
    assert list(Entry.objects.order_by("seq").values_list("seq", "leaf", "body")) == before


@on_both
def test_from_nothing_and_back_to_nothing(committed_database):
    for app in ("evidence", "archive"):
        call_command("migrate", app, "zero", verbosity=0)
    assert _ledger_tables() == set()

    call_command("migrate", verbosity=0)

    assert len(_ledger_tables()) >= 8
    assert guards.missing(connection) == []


@on_both
@pytest.mark.parametrize("way", ["forwards", "backwards"])
def test_a_migration_that_breaks_off_before_it_is_noted_is_undone(
    committed_database, monkeypatch, way
):
    """As a kill between the commit of a new table with indexes and the note that it is there."""
    table, before, after = "evidence_apitoken", "0016", "0017"
    origin, target = (after, before) if way == "backwards" else (before, after)
    call_command("migrate", "evidence", origin, verbosity=0)
    was_there = table in connection.introspection.table_names()

    def broken(*_):
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(MigrationRecorder, "record_applied", broken)
        patch.setattr(MigrationRecorder, "record_unapplied", broken)
        with pytest.raises(CommandError, match="what it changed halfway was undone"):
            call_command("migrate", "evidence", target, verbosity=0)

    assert (table in connection.introspection.table_names()) == was_there
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []
    assert table in connection.introspection.table_names()


@on_both
def test_a_guard_that_was_lost_is_back_after_a_migration_to_any_place(committed_database):
    lost = guards._guards(connection)[0]
    with committed_database.insider() as insider:
        on = f" ON {lost.table}" if committed_database.vendor == "postgresql" else ""
        insider.execute(f"DROP TRIGGER {lost.name}{on}")
    assert guards.missing(connection) == [lost.name]

    call_command("migrate", "sessions", verbosity=0)

    assert guards.missing(connection) == []
