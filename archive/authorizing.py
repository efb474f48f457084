"""On SQLite: the rights of archive.grants, asked of each statement before it runs.

SQLite has no roles, but asks an authorizer about each thing that a statement would do, when it
compiles it.  Every connection of Django's gets one, so that what runs SQL through the application
can neither change what the ledger holds nor touch the triggers and tables; the schema stands still
but for `manage.py migrate`.  REPLACE is not asked about: it is the triggers' business
(archive.guards).  Whoever opens the file past Django is not asked at all; whoever runs Python in
the application can take the authorizer away.  The checkpoints find what those change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from archive import grants

# What a statement needs of the rights that PostgreSQL has words for.
_RIGHTS = {
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
}
# Temporary ones too: they would stand in front of the ledger's for the rest of the connection.
_CHANGES_OF_THE_SCHEMA = frozenset(
    {
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TEMP_INDEX,
        sqlite3.SQLITE_DROP_TEMP_TABLE,
        sqlite3.SQLITE_DROP_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_TEMP_VIEW,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_VTABLE,
        # A second file, or this one under a second name; nothing here needs either.
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
    }
)
# Pragmas that open the schema's own table, pass by checks, or give up what was committed.
_DANGEROUS = frozenset(
    {"ignore_check_constraints", "journal_mode", "schema_version", "synchronous", "writable_schema"}
)

_Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def _at_work(
    action: int, name: str | None, value: str | None, _schema: str | None, _within: str | None
) -> int:
    right = _RIGHTS.get(action)
    if right is not None:
        allowed = right in grants.rights_on(name or "")
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = value is None or (name or "").lower() not in _DANGEROUS
    else:
        allowed = action not in _CHANGES_OF_THE_SCHEMA
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _migrating(
    action: int, name: str | None, value: str | None, schema: str | None, within: str | None
) -> int:
    """Tables are rebuilt by copying and dropping, which is asked about as deleting.

    So that is left to the triggers; no rebuilding updates a row that never changes.
    """
    if action in _CHANGES_OF_THE_SCHEMA | {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_DELETE}:
        return sqlite3.SQLITE_OK
    return _at_work(action, name, value, schema, within)


def watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have every statement of a new connection asked about; nothing on other databases."""
    _set(connection, _at_work)


@contextmanager
def schema_may_change(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """For `manage.py migrate`: this connection may change tables until the block ends.

    Only as it is now: one that is opened meanwhile is watched like any other.
    """
    connection.ensure_connection()
    _set(connection, _migrating)
    try:
        yield
    finally:
        _set(connection, _at_work)


def _set(connection: BaseDatabaseWrapper, authorizer: _Authorizer) -> None:
    if connection.vendor == "sqlite" and connection.connection is not None:
        connection.connection.set_authorizer(authorizer)
