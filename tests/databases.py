"""Databases of a test's own whose commits are real, and the insider who has full control of one.

A test that asks for ``committed_database`` gets SQLite, or what ``TEST_DATABASE`` names; one that
must hold on both says so with ``on_both``.  Each is a copy of one that was migrated once, and is
thrown away afterwards: triggers forbid emptying it.  On PostgreSQL the application and the tables'
owner are two roles, as docs/operate/running.md makes them.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import connections

from archive import guards
from config.settings import _database
from tests import services

DEFAULT = os.environ.get("TEST_DATABASE", "sqlite")
TABLES = sorted({guard.table for guard in guards.SQLITE})

on_both = pytest.mark.parametrize("committed_database", ["sqlite", "postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("committed_database", ["postgresql"], indirect=True)


class SQLiteInsider(sqlite3.Connection):
    """A connection past Django, as somebody with the file has."""

    def lift_guards(self) -> None:
        """Nothing is refused any more, by any rule of any table."""
        self.execute("PRAGMA foreign_keys = OFF")
        self.execute("PRAGMA ignore_check_constraints = ON")
        for guard in guards.SQLITE:
            self.execute(f'DROP TRIGGER "{guard.name}"')

    def lift_one_guard(self, table: str) -> str:
        """Take one guard of ``table`` away for good; return its name."""
        name = next(guard.name for guard in guards.SQLITE if guard.table == table)
        self.execute(f'DROP TRIGGER "{name}"')
        return name

    def put_guards_back(self) -> None:
        """Leave no trace of having lifted them."""
        for guard in guards.SQLITE:
            self.execute(guard.sql)

    def make_plain(self, table: str, columns: Iterable[str]) -> None:
        """Make generated columns such as can be written: a table in the old one's place."""
        names = ", ".join(f'"{column}"' for column in columns)
        self.execute(f"ALTER TABLE {table} RENAME TO was")
        self.execute(f"CREATE TABLE {table} AS SELECT {names} FROM was")
        self.execute("DROP TABLE was")


class PostgreSQLInsider:
    """A superuser's connection; takes statements with the same marks as SQLite's."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._checks: list[tuple[str, str, str]] = []  # table, name and definition

    def execute(self, statement: str, values: Sequence[Any] | None = None) -> psycopg.Cursor:
        return self._connection.execute(_marked(statement, values), values or None)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_marked(statement, rows), rows)

    def lift_guards(self) -> None:
        """Nothing is refused any more but what the columns' types and unique places refuse."""
        for table in TABLES:
            self.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        self._checks = self.execute(
            "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'c' AND conrelid = ANY(?::regclass[])",
            [TABLES],
        ).fetchall()
        for table, name, _ in self._checks:
            self.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')

    def lift_one_guard(self, table: str) -> str:
        """Take one guard of ``table`` away for good; return its name."""
        name = next(guard.name for guard in guards.POSTGRESQL if guard.table == table)
        self.execute(f'DROP TRIGGER "{name}" ON {table}')
        return name

    def put_guards_back(self) -> None:
        """Leave no trace of having lifted them."""
        for table in TABLES:
            self.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
        for guard in guards.POSTGRESQL:
            self.execute(f'ALTER TABLE {guard.table} ENABLE ALWAYS TRIGGER "{guard.name}"')
        for table, name, definition in self._checks:
            self.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition} NOT VALID')

    def make_plain(self, table: str, columns: Iterable[str]) -> None:
        """Make generated columns such as can be written."""
        for column in columns:
            self.execute(f'ALTER TABLE {table} ALTER "{column}" DROP EXPRESSION IF EXISTS')


def _marked(statement: str, values: Sequence[Any] | None) -> bytes:
    said = re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", statement)
    return (said.replace("?", "%s") if values else said).encode()


Insider = SQLiteInsider | PostgreSQLInsider


@dataclass(frozen=True)
class SQLiteDatabase:
    """A database file; other processes may open it with ``environment``."""

    path: Path
    environment: dict[str, str]
    vendor = "sqlite"

    @contextmanager
    def insider(self) -> Iterator[SQLiteInsider]:
        with closing(
            sqlite3.connect(self.path, isolation_level=None, factory=SQLiteInsider)
        ) as connection:
            yield connection

    def dump(self, tables: str = "*") -> str:
        """Write the rows of the tables whose names match as SQL."""
        with self.insider() as insider:
            lines = list(insider.iterdump())
        return "\n".join(
            line
            for line in lines
            if line.startswith('INSERT INTO "') and fnmatch(line.split('"')[1], tables)
        )

    def back_up(self) -> Path:
        """Copy the database as it is now; return what ``restore`` takes."""
        connections["default"].close()
        copy = self.path.with_name(f"backup-{uuid.uuid4().hex}")
        shutil.copyfile(self.path, copy)
        return copy

    def restore(self, backup: Any) -> None:
        """Put the copy in the database's place, as whoever can write its files can."""
        connections["default"].close()
        for leftover in self.path.parent.glob(f"{self.path.name}-*"):
            leftover.unlink()
        shutil.copyfile(backup, self.path)


@dataclass(frozen=True)
class PostgreSQLDatabase:
    """A database on the tests' server; other processes may open it with ``environment``."""

    roles: services.TwoRoles
    environment: dict[str, str]
    backups: list[services.TwoRoles] = field(default_factory=list)
    vendor = "postgresql"

    @contextmanager
    def insider(self) -> Iterator[PostgreSQLInsider]:
        with psycopg.connect(self.roles.administrator, autocommit=True) as connection:
            yield PostgreSQLInsider(connection)

    def dump(self, tables: str = "*") -> str:
        """Write the rows of the tables whose names match as SQL."""
        return services.postgresql().dump(self.roles, tables=tables)

    def back_up(self) -> services.TwoRoles:
        """Copy the database as it is now; return what ``restore`` takes."""
        connections["default"].close()
        self.backups.append(services.postgresql().copy_of(self.roles))
        return self.backups[-1]

    def restore(self, backup: Any) -> None:
        """Put the copy in the database's place, as a superuser can."""
        connections["default"].close()
        services.postgresql().drop(self.roles)
        services.postgresql().copy_of(backup, name=self.roles.name)


CommittedDatabase = SQLiteDatabase | PostgreSQLDatabase


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """An SQLite file with every migration applied, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "archive.sqlite3"
    with django_db_blocker.unblock(), _default_is(_file(path)):
        call_command("migrate", verbosity=0)
    return path


@pytest.fixture(scope="session")
def migrated_roles(django_db_blocker: Any) -> Iterator[services.TwoRoles]:
    """A PostgreSQL database with every migration applied by its owner, to be copied."""
    with services.postgresql().two_roles() as roles:
        with django_db_blocker.unblock(), _default_is(_server(roles), roles.owner):
            call_command("migrate", verbosity=0)
        yield roles


@pytest.fixture
def committed_database(
    request: pytest.FixtureRequest, folders: Path, settings: Any, django_db_blocker: Any
) -> Iterator[CommittedDatabase]:
    """A database of the test's own."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MUNIMENT_DATA_DIR": str(settings.DATA_DIR),
        "MUNIMENT_SIGNER_DIR": str(settings.SIGNER_DIR),
        "MUNIMENT_KEYS_DIR": str(settings.KEYS_DIR),
        "MUNIMENT_RUN_DIR": str(folders / "run"),
        "MUNIMENT_ORIGIN": settings.LOG_ORIGIN,
    }
    settings.ANCHOR_FILES = [settings.SIGNER_DIR / "anchors.txt"]
    if getattr(request, "param", DEFAULT) == "postgresql":
        server = services.postgresql()
        roles = server.copy_of(request.getfixturevalue("migrated_roles"))
        environment["DATABASE_URL"] = roles.application
        made = PostgreSQLDatabase(roles=roles, environment=environment)
        try:
            with django_db_blocker.unblock(), _default_is(_server(roles), roles.owner):
                yield made
        finally:
            for each in (roles, *made.backups):
                server.drop(each)
        return
    path = settings.DATA_DIR / "archive.sqlite3"
    shutil.copyfile(request.getfixturevalue("migrated_file"), path)
    with django_db_blocker.unblock(), _default_is(_file(path)):
        yield SQLiteDatabase(path=path, environment=environment)


def _file(path: Path) -> dict[str, Any]:
    return {**_database(""), "NAME": str(path)}


def _server(roles: services.TwoRoles) -> dict[str, Any]:
    return _database(roles.application)


class _default_is:  # noqa: N801  reads as a verb where it is used
    """Django's default database is this one, with the product's own options."""

    def __init__(self, database: dict[str, Any], owner: str = "") -> None:
        self._database = database
        self._owner = _database(owner) if owner else {}

    def __enter__(self) -> None:
        self._settings = connections.settings["default"]
        self._connection = connections["default"]
        self._owner_before = project.DATABASE_OWNER
        connections.settings["default"] = {**self._settings, **self._database}
        project.DATABASE_OWNER = self._owner
        del connections["default"]

    def __exit__(self, *_: object) -> None:
        connections["default"].close()
        connections["default"] = self._connection
        connections.settings["default"] = self._settings
        project.DATABASE_OWNER = self._owner_before
