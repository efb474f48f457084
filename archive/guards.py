"""The database's own refusal to change the ledger, or what originals are: triggers.

They are put back after every migrate.

They delay and document an insider's writes; whoever may drop them is caught by the checkpoints, not
by them.  SQLite loses a table's triggers when a migration rebuilds it, and REPLACE passes by delete
triggers, so there are guards on INSERT as well.  On PostgreSQL rows can't be updated, deleted or
truncated, and an entry must follow the one before it and carry its bytes' hash; archive.grants
keeps the application from its own triggers.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

REFUSAL = "the custody ledger is append-only"
WRITTEN_ONCE = "what an original is was written once"


@dataclass(frozen=True)
class Guard:
    """One trigger: its name as a sentence, its table, and what each database is told."""

    name: str
    table: str
    sql: str


def _sqlite(name: str, table: str, event: str, *, when: str = "", refusal: str = REFUSAL) -> Guard:
    condition = f" WHEN {when}" if when else ""
    return Guard(
        name=name,
        table=table,
        sql=(
            f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}"{condition} '
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        ),
    )


def _held(table: str, *keys: str) -> str:
    """A row with one of these keys is there already, so that INSERT OR REPLACE would delete it."""
    return " OR ".join(
        f'EXISTS (SELECT 1 FROM "{table}" WHERE {key})'  # noqa: S608  constants of this module
        for key in keys
    )


_NOT_NEXT = (
    "NEW.seq IS NOT "
    "(SELECT coalesce(max(seq), -1) + 1 FROM archive_entry WHERE log_id = NEW.log_id)"
)

# Of an original's row only the state and the two columns about fixity may change.
_STORED = "archive_storedobject"
_MEASURED = ("sha256", "sha512", "size", "crc32", "first_stored_at")

SQLITE = (
    _sqlite("log_is_not_updated", "archive_log", "UPDATE"),
    _sqlite("log_is_not_deleted", "archive_log", "DELETE"),
    _sqlite(
        "log_is_not_replaced",
        "archive_log",
        "INSERT",
        when=_held("archive_log", "id = NEW.id", "origin = NEW.origin"),
    ),
    _sqlite("entry_is_not_updated", "archive_entry", "UPDATE"),
    _sqlite("entry_is_not_deleted", "archive_entry", "DELETE"),
    _sqlite(
        "entry_is_appended_without_gaps",
        "archive_entry",
        "INSERT",
        when=f"{_NOT_NEXT} OR "
        + _held(
            "archive_entry",
            "id = NEW.id",
            "item = JSON_EXTRACT(NEW.body, '$.item') "
            "AND item_seq = JSON_EXTRACT(NEW.body, '$.item_seq')",
        ),
    ),
    _sqlite("node_is_not_updated", "archive_node", "UPDATE"),
    _sqlite("node_is_not_deleted", "archive_node", "DELETE"),
    _sqlite(
        "node_is_not_replaced",
        "archive_node",
        "INSERT",
        when=_held(
            "archive_node",
            "id = NEW.id",
            'log_id = NEW.log_id AND level = NEW.level AND "index" = NEW."index"',
        ),
    ),
    # A guard names its own table only: SQLite can't rebuild a table that another's trigger names.
    _sqlite(
        "log_head_moves_forward",
        "archive_loghead",
        "UPDATE",
        when="NEW.log_id IS NOT OLD.log_id OR NEW.size <= OLD.size",
    ),
    _sqlite("log_head_is_not_deleted", "archive_loghead", "DELETE"),
    _sqlite(
        "log_head_begins_at_nothing",
        "archive_loghead",
        "INSERT",
        when="NEW.size IS NOT 0 OR " + _held("archive_loghead", "log_id = NEW.log_id"),
    ),
    _sqlite("checkpoint_is_not_updated", "archive_checkpoint", "UPDATE"),
    _sqlite("checkpoint_is_not_deleted", "archive_checkpoint", "DELETE"),
    _sqlite(
        "checkpoint_is_not_replaced",
        "archive_checkpoint",
        "INSERT",
        when=_held("archive_checkpoint", "id = NEW.id", "log_id = NEW.log_id AND size = NEW.size"),
    ),
    _sqlite("cosignature_is_not_updated", "archive_cosignature", "UPDATE"),
    _sqlite("cosignature_is_not_deleted", "archive_cosignature", "DELETE"),
    _sqlite(
        "cosignature_is_not_replaced",
        "archive_cosignature",
        "INSERT",
        when=_held(
            "archive_cosignature",
            "id = NEW.id",
            "checkpoint_id = NEW.checkpoint_id AND line = NEW.line",
        ),
    ),
    _sqlite("timestamp_token_is_not_updated", "archive_timestamptoken", "UPDATE"),
    _sqlite("timestamp_token_is_not_deleted", "archive_timestamptoken", "DELETE"),
    _sqlite(
        "timestamp_token_is_not_replaced",
        "archive_timestamptoken",
        "INSERT",
        when=_held(
            "archive_timestamptoken",
            "id = NEW.id",
            "checkpoint_id = NEW.checkpoint_id AND authority = NEW.authority",
        ),
    ),
    _sqlite(
        "item_head_moves_forward",
        "archive_itemhead",
        "UPDATE",
        when=(
            "NEW.item IS NOT OLD.item OR NEW.log_id IS NOT OLD.log_id "
            "OR NEW.next_seq <= OLD.next_seq"
        ),
    ),
    _sqlite("item_head_is_not_deleted", "archive_itemhead", "DELETE"),
    _sqlite(
        "item_head_is_not_replaced",
        "archive_itemhead",
        "INSERT",
        when=_held("archive_itemhead", "item = NEW.item"),
    ),
    _sqlite(
        "disclosure_is_only_ever_erased",
        "archive_disclosure",
        "UPDATE",
        when=(
            "NEW.id IS NOT OLD.id OR NEW.log_id IS NOT OLD.log_id "
            "OR NEW.digest IS NOT OLD.digest OR NEW.entry_seq IS NOT OLD.entry_seq "
            "OR NEW.item IS NOT OLD.item OR NEW.name IS NOT OLD.name "
            "OR NEW.text IS NOT NULL OR OLD.text IS NULL"
        ),
    ),
    _sqlite("disclosure_is_not_deleted", "archive_disclosure", "DELETE"),
    _sqlite(
        "disclosure_is_not_replaced",
        "archive_disclosure",
        "INSERT",
        when=_held("archive_disclosure", "id = NEW.id", "digest = NEW.digest"),
    ),
    _sqlite(
        "stored_object_is_only_ever_checked",
        _STORED,
        "UPDATE",
        when=" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _MEASURED),
        refusal=WRITTEN_ONCE,
    ),
    _sqlite("stored_object_is_not_deleted", _STORED, "DELETE", refusal=WRITTEN_ONCE),
    _sqlite(
        "stored_object_is_not_replaced",
        _STORED,
        "INSERT",
        when=_held(_STORED, "sha256 = NEW.sha256"),
        refusal=WRITTEN_ONCE,
    ),
)

# Tables whose rows never change, and tables whose rows stay but move on; archive.grants follows.
KEPT = (
    "archive_log",
    "archive_entry",
    "archive_node",
    "archive_checkpoint",
    "archive_cosignature",
    "archive_timestamptoken",
)
_HEADS = ("archive_loghead", "archive_itemhead", "archive_disclosure")
KEPT_ROWS = (*_HEADS, _STORED)
# What the functions read is named in full: a temporary table can't stand in for the ledger's.
_SEARCH_PATH = "pg_catalog, pg_temp"
FUNCTIONS = {
    "archive_refuse": (
        f"BEGIN RAISE EXCEPTION USING MESSAGE = coalesce(TG_ARGV[0], '{REFUSAL}'), "
        "ERRCODE = 'restrict_violation'; END"
    ),
    # Once per statement, not per row.  The leaf is RFC 9162 section 2.1.1's.
    "archive_refuse_unless_next": f"""
DECLARE
  wrong boolean;
BEGIN
  SELECT EXISTS (
    SELECT 1 FROM added
    WHERE leaf IS DISTINCT FROM sha256('\\x00'::bytea || convert_to(body, 'UTF8'))
  ) INTO wrong;
  IF NOT wrong THEN
    EXECUTE format(
      'SELECT EXISTS (
        SELECT 1 FROM (
          SELECT log_id, min(seq) AS first, max(seq) AS last, count(*) AS entries
          FROM added GROUP BY log_id
        ) AS run
        WHERE entries <> last - first + 1
        OR (first <> 0 AND NOT EXISTS (
          SELECT 1 FROM %I.%I AS held WHERE held.log_id = run.log_id AND held.seq = first - 1
        ))
      )', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO wrong;
  END IF;
  IF wrong THEN
    RAISE EXCEPTION USING MESSAGE = '{REFUSAL}', ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END
""",  # noqa: S608 - only our own constants
}


def _postgresql(
    name: str, table: str, event: str, *, each: str, when: str = "", refusal: str = ""
) -> Guard:
    """Word a guard as ``pg_get_triggerdef(oid, true)`` does, so that the two can be compared."""
    condition = f"WHEN ({when}) " if when else ""
    said = f"'{refusal}'" if refusal else ""
    return Guard(
        name=name,
        table=table,
        sql=(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} {condition}"
            f"EXECUTE FUNCTION archive_refuse({said})"
        ),
    )


POSTGRESQL = (
    *(
        _postgresql(f"{table}_is_not_changed", table, "DELETE OR UPDATE", each="ROW")
        for table in KEPT
    ),
    *(_postgresql(f"{table}_is_not_deleted", table, "DELETE", each="ROW") for table in _HEADS),
    *(
        _postgresql(f"{table}_is_not_truncated", table, "TRUNCATE", each="STATEMENT")
        for table in (*KEPT, *_HEADS)
    ),
    Guard(
        name="entry_is_appended_without_gaps",
        table="archive_entry",
        sql=(
            "CREATE TRIGGER entry_is_appended_without_gaps AFTER INSERT ON archive_entry "
            "REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
            "EXECUTE FUNCTION archive_refuse_unless_next()"
        ),
    ),
    _postgresql(
        "log_head_moves_forward",
        "archive_loghead",
        "UPDATE",
        each="ROW",
        when="new.log_id <> old.log_id OR new.size <= old.size",
    ),
    _postgresql(
        "item_head_moves_forward",
        "archive_itemhead",
        "UPDATE",
        each="ROW",
        when=(
            "new.item::text <> old.item::text OR new.log_id <> old.log_id "
            "OR new.next_seq <= old.next_seq"
        ),
    ),
    _postgresql(
        "disclosure_is_only_ever_erased",
        "archive_disclosure",
        "UPDATE",
        each="ROW",
        when=(
            "new.id <> old.id OR new.log_id <> old.log_id OR new.digest::text <> old.digest::text "
            "OR new.entry_seq <> old.entry_seq OR new.item::text IS DISTINCT FROM old.item::text "
            "OR new.name::text <> old.name::text OR new.text IS NOT NULL OR old.text IS NULL"
        ),
    ),
    _postgresql(
        "stored_object_is_only_ever_checked",
        _STORED,
        "UPDATE",
        each="ROW",
        when=" OR ".join(
            f"new.{name}{cast} <> old.{name}{cast}"
            for name in _MEASURED
            for cast in ("::text" if name.startswith("sha") else "",)
        ),
        refusal=WRITTEN_ONCE,
    ),
    _postgresql(
        "stored_object_is_not_deleted", _STORED, "DELETE", each="ROW", refusal=WRITTEN_ONCE
    ),
    _postgresql(
        "stored_object_is_not_truncated",
        _STORED,
        "TRUNCATE",
        each="STATEMENT",
        refusal=WRITTEN_ONCE,
    ),
)


def _guards(connection: BaseDatabaseWrapper) -> tuple[Guard, ...]:
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE


def put_back(connection: BaseDatabaseWrapper) -> None:
    """Every guard of a table that exists is there and says what this module says.

    Runs after each migrate; running it twice changes nothing.
    """
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if connection.vendor == "postgresql":
            for function, body in FUNCTIONS.items():
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql "
                    f"SET search_path = {_SEARCH_PATH} AS $guard${body}$guard$"
                )
        for guard in _guards(connection):
            if guard.table not in tables:
                continue
            if connection.vendor == "postgresql":
                cursor.execute(f'DROP TRIGGER IF EXISTS "{guard.name}" ON "{guard.table}"')
            else:
                cursor.execute(f'DROP TRIGGER IF EXISTS "{guard.name}"')
            cursor.execute(guard.sql)
            if connection.vendor == "postgresql":
                cursor.execute(f'ALTER TABLE "{guard.table}" ENABLE ALWAYS TRIGGER "{guard.name}"')


def lift(cursor: CursorWrapper, name: str) -> None:
    """One guard is gone until ``put_back``; only who may drop a trigger can do this."""
    (guard,) = (one for one in _guards(cursor.db) if one.name == name)
    table = f' ON "{guard.table}"' if cursor.db.vendor == "postgresql" else ""
    cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{table}')


# tgenabled 'A': fires for every session, replication's too.
_STANDING = """
SELECT t.tgname, c.relname, pg_get_triggerdef(t.oid, true), p.proname, p.prosrc
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid AND pg_table_is_visible(c.oid)
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE NOT t.tgisinternal AND t.tgenabled = 'A' AND p.proconfig = ARRAY[%s]
"""


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the guards that a ledger table should have and has not, or has in other words."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if connection.vendor == "postgresql":
            cursor.execute(_STANDING, [f"search_path={_SEARCH_PATH}"])
            standing = {
                (name, table, definition)
                for name, table, definition, function, body in cursor.fetchall()
                if body == FUNCTIONS.get(function)
            }
            return [
                guard.name
                for guard in POSTGRESQL
                if guard.table in tables and (guard.name, guard.table, guard.sql) not in standing
            ]
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        written = dict(cursor.fetchall())
    return [
        guard.name
        for guard in SQLITE
        if guard.table in tables and written.get(guard.name) != guard.sql
    ]
