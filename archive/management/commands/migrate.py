"""`manage.py migrate`: the one door to the tables' own form.

On PostgreSQL it connects as the role that owns the tables, and nothing else does; on SQLite it
alone may change the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.transaction import atomic

from archive import authorizing, durable, guards

#: In the run folder while a migration is under way.  SQLite drops a table's guards when the table
#: is remade, and a process that is killed then can't put them back.
INTERRUPTED = "migrating"


class WholeMigrations(MigrationExecutor):
    """Makes each migration and the note that it was made one transaction.

    The stock executor notes a migration that leaves work to its end (indexes of a new table) after
    its commit.  A process that is killed in between leaves a table that the next run can't make
    again, and that nobody but a person with SQL could take away.
    """

    def apply_migration(self, state: Any, migration: Migration, *args: Any, **options: Any) -> Any:
        with self._in_one(migration):
            return super().apply_migration(state, migration, *args, **options)

    def unapply_migration(
        self, state: Any, migration: Migration, *args: Any, **options: Any
    ) -> Any:
        with self._in_one(migration):
            return super().unapply_migration(state, migration, *args, **options)

    @contextmanager
    def _in_one(self, migration: Migration) -> Iterator[None]:
        if not migration.atomic:
            yield
            return
        # SQLite takes this outside a transaction only, and remakes tables without it.
        with self.connection.constraint_checks_disabled(), atomic(self.connection.alias):
            yield


#: The stock command offers no other way to name its executor.
migrate.MigrationExecutor = WholeMigrations  # type: ignore[attr-defined]


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the system checks as the owner too: the application may still lack its rights."""
        alias = options["database"]
        marker = settings.RUN_DIR / INTERRUPTED
        try:
            if marker.exists():
                # The guards that the interrupted migration took along are what checks would name.
                self.stderr.write("A migration was interrupted; going on with it.")
                options["skip_checks"] = True
            elif _takes_guards_along(connections[alias]):
                settings.RUN_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
                durable.write(marker, b"")
            done = self._execute_as_owner(alias, *args, **options)
            marker.unlink(missing_ok=True)
        except (OSError, DatabaseError) as error:
            raise CommandError(
                f"The migration broke off: {error}. See to that, then run the same command again; "
                "what it changed halfway was undone."
            ) from error
        return done

    def _execute_as_owner(self, alias: str, *args: Any, **options: Any) -> str | None:
        if connections[alias].vendor != "postgresql" or not settings.DATABASE_OWNER:
            with authorizing.schema_may_change(connections[alias]):
                return super().execute(*args, **options)
        # Before any table is made: its user must be there, for the rights are given to it.
        _connect(connections[alias], "DATABASE_URL")
        with _as_owner(alias) as owner:
            _connect(owner, "DATABASE_OWNER_URL")
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        database = connections[options["database"]]
        if database.vendor == "postgresql" and not options["plan"] and not _owns(database):
            if not (settings.DATABASE_OWNER or options["app_label"] or _outstanding(database)):
                self.stdout.write("Nothing to migrate. This role does not own the tables.")
                return
            raise CommandError(
                f"The role {database.settings_dict['USER']} does not own the tables or may not "
                "make any. Give DATABASE_OWNER_URL the role that does (docs/operate/running.md)."
            )
        super().handle(*args, **options)


def _takes_guards_along(database: BaseDatabaseWrapper) -> bool:
    """Whether there is something to migrate under guards that are all there.

    Guards that were missing before are somebody else's doing, which the checks must say.
    """
    if database.vendor != "sqlite" or "archive_log" not in database.introspection.table_names():
        return False
    return _outstanding(database) and not guards.missing(database)


@contextmanager
def _as_owner(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Django's database ``alias`` is reached as the owner of its tables, by this thread alone."""
    before = connections[alias]
    owner = type(before)({**before.settings_dict, **settings.DATABASE_OWNER}, alias)
    connections[alias] = owner
    try:
        yield owner
    finally:
        owner.close()
        connections[alias] = before


def _connect(database: BaseDatabaseWrapper, variable: str) -> None:
    try:
        database.ensure_connection()
    except OperationalError as error:
        raise CommandError(
            f"The role {database.settings_dict['USER']} of {variable} can't connect: {error}"
        ) from error


# All tables are this role's, or may be made by it when there are none.
_OWNS = """
SELECT coalesce(
  bool_and(pg_has_role(current_user, c.relowner, 'USAGE')),
  has_schema_privilege(current_schema(), 'CREATE')
)
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
"""


def _owns(database: BaseDatabaseWrapper) -> bool:
    with database.cursor() as cursor:
        cursor.execute(_OWNS)
        return bool(cursor.fetchone()[0])


def _outstanding(database: BaseDatabaseWrapper) -> bool:
    executor = MigrationExecutor(database)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
