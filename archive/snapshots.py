"""The database at one moment, as one file; and back into an empty database.

SQLite writes its own consistent copy (a copied file of a living database is corrupt more often than
not); PostgreSQL's own pg_dump and pg_restore do it there.  They must be installed.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection

from archive import durable

SQLITE = "database.sqlite3"
POSTGRESQL = "database.dump"
_LONGEST_ERROR = 2_000  # characters of a program's words that are kept


class SnapshotError(Exception):
    """There is no snapshot, or the database was not put back; the message says why."""


def take(folder: Path) -> Path:
    """Write the database as it is now into ``folder``, on disk; return the file."""
    path = folder / (SQLITE if connection.vendor == "sqlite" else POSTGRESQL)
    if connection.vendor == "sqlite":
        _copy_sqlite(path)
    else:
        _run("pg_dump", "--format=custom", "--no-sync", f"--file={path}")
    durable.sync(path)
    return path


def put_back(path: Path) -> None:
    """The database that the settings name, which must be empty, is the one of the snapshot."""
    made_for = "sqlite" if path.name == SQLITE else "postgresql"
    if made_for != connection.vendor:
        raise SnapshotError(
            f"The snapshot was taken of {made_for}, and the settings name {connection.vendor}."
        )
    must_be_empty()
    if connection.vendor == "sqlite":
        name = Path(str(settings.DATABASES["default"]["NAME"]))
        connection.close()
        for leftover in name.parent.glob(f"{name.name}*"):
            leftover.unlink()  # of an empty database: must_be_empty has looked into it
        with path.open("rb") as source:
            durable.hand_out(source, name)
    else:
        _run(
            "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", str(path)
        )  # fmt: skip


def must_be_empty() -> None:
    """Refuse a database with any table in it.  Raises SnapshotError."""
    tables = connection.introspection.table_names()
    connection.close()
    if tables:
        raise SnapshotError(
            f"The database {connection.settings_dict['NAME']} is not empty: it has "
            f"{len(tables)} tables. Nothing is overwritten; name an empty one in the settings."
        )


def _copy_sqlite(path: Path) -> None:
    name = quote(str(connection.settings_dict["NAME"]))
    try:
        with (
            closing(sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=20)) as database,
            closing(sqlite3.connect(path)) as copy,
        ):
            database.backup(copy)  # in one step, of one moment; writers go on meanwhile
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()  # one file, nothing beside it
            # The tables' constraints ask for it.
            copy.create_function("REGEXP", 2, _matches, deterministic=True)
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise SnapshotError(f"SQLite could not copy the database: {error}.") from error
    if verdict != "ok":
        raise SnapshotError(f"The copy of the database is not sound: {verdict}.")


def _matches(pattern: str, text: str | None) -> bool | None:
    return None if text is None else re.search(pattern, str(text)) is not None


def _run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the role that owns the tables, where there are two."""
    found = shutil.which(program)
    if found is None:
        raise SnapshotError(f"{program} is not installed; it comes with PostgreSQL's client.")
    database = settings.DATABASE_OWNER or settings.DATABASES["default"]
    done = subprocess.run(  # noqa: S603  the program is PostgreSQL's, the words are ours
        [found, f"--dbname={_address(database)}", *arguments],
        env={"PGPASSWORD": str(database.get("PASSWORD", "")), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SnapshotError(f"{program}: {done.stderr.strip()[:_LONGEST_ERROR]}")


def _address(database: Mapping[str, Any]) -> str:
    """Return the database's address without the password, which others could read in a listing."""
    host = quote(str(database.get("HOST") or ""), safe="")
    port = f":{database['PORT']}" if database.get("PORT") else ""
    options = {
        name: value for name, value in database.get("OPTIONS", {}).items() if name != "options"
    }
    return (
        f"postgresql://{quote(str(database.get('USER') or ''), safe='')}@{host}{port}"
        f"/{quote(str(database['NAME']), safe='')}"
        + (f"?{urlencode(options, quote_via=quote)}" if options else "")
    )
