"""What the application's role may do on PostgreSQL: read the ledger and add to it, nothing else.

There are two roles.  The owner (``DATABASE_OWNER_URL``) makes and changes tables, triggers and
functions, and only `manage.py migrate` uses it.  The application (``DATABASE_URL``) does all else,
and can neither change what the ledger holds nor lift the triggers that say so a second time.  With
one role for both, whoever runs SQL as the application may drop the triggers first.

Rights are put right after each migrate, so that a new table is never without them.
"""

from __future__ import annotations

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from archive import guards

READ = ("SELECT",)
ADDED_TO = ("INSERT", "SELECT")
CHANGED_IN_PLACE = ("INSERT", "SELECT", "UPDATE")
ORDINARY = ("DELETE", "INSERT", "SELECT", "UPDATE")
# TRUNCATE, TRIGGER and REFERENCES are nobody's but the owner's.
KNOWN = (*ORDINARY, "REFERENCES", "TRIGGER", "TRUNCATE")

_also_added_to: set[str] = set()


def only_added_to(table: str) -> None:
    """Say that rows of another app's ``table`` never change either."""
    _also_added_to.add(table)


def rights_on(table: str) -> tuple[str, ...]:
    """Return what the application may do with ``table``."""
    if table in guards.KEPT or table in _also_added_to:
        return ADDED_TO
    if table in guards.KEPT_ROWS:
        return CHANGED_IN_PLACE
    return READ if table == "django_migrations" else ORDINARY


def application() -> str:
    """Return the name of the application's role; empty where there is but one role."""
    return str(settings.DATABASES["default"]["USER"]) if settings.DATABASE_OWNER else ""


def put_right(connection: BaseDatabaseWrapper) -> None:
    """The application has its rights and no others.  Runs as the owner, after each migrate.

    One transaction: an application that is running meanwhile never lacks a right.
    """
    role = application()
    if connection.vendor != "postgresql" or not role:
        return
    name = _quoted(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
        statements = [
            f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {name}",
            f"GRANT USAGE ON SCHEMA {schema} TO {name}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC, {name}",
        ]
        for table in _tables(connection):
            place = f"{schema}.{_quoted(table)}"
            statements += [
                f"REVOKE ALL ON {place} FROM PUBLIC, {name}",
                f"GRANT {', '.join(rights_on(table))} ON {place} TO {name}",
            ]
        cursor.execute(f"BEGIN; {'; '.join(statements)}; COMMIT")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        )
        return [table for (table,) in cursor.fetchall()]


def lacking(connection: BaseDatabaseWrapper) -> list[str]:
    """Name the rights that the application must have and has not, each as ``RIGHT on table``."""
    return [
        f"{right} on {table}"
        for table, right, has in _held(connection)
        if not has and right in rights_on(table)
    ]


def _held(connection: BaseDatabaseWrapper) -> list[tuple[str, str, bool]]:
    """Return each table, each right, and whether the application's role has it in any way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, kind, has_table_privilege("
            "  coalesce(nullif(%s, ''), current_user), "
            "  format('%%I.%%I', schemaname, tablename), kind) "
            "FROM pg_tables, unnest(%s::text[]) AS kind "
            "WHERE schemaname = current_schema() ORDER BY 1, 2",
            [application(), list(KNOWN)],
        )
        return list(cursor.fetchall())


# A member of one of these can act as the server's own account, and so as a superuser.
_AS_THE_SERVER = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
# Each row: a sentence about the role when it holds.  A schema's owner may drop what is in it.
_POWERS = """
WITH role AS (SELECT * FROM pg_roles WHERE rolname = coalesce(nullif(%s, ''), current_user))
SELECT 'is a superuser' FROM role WHERE rolsuper
UNION ALL SELECT 'may make itself a member of other roles' FROM role WHERE rolcreaterole
UNION ALL SELECT DISTINCT 'owns tables, or is a member of ' || pg_get_userbyid(c.relowner)
  || ' who does' FROM role, pg_class c
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT rolsuper AND pg_has_role(role.oid, c.relowner, 'MEMBER')
UNION ALL SELECT 'owns a guard''s function ' || p.proname FROM role, pg_proc p
  WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY(%s::name[])
  AND NOT rolsuper AND pg_has_role(role.oid, p.proowner, 'MEMBER')
UNION ALL SELECT 'owns the schema ' || n.nspname FROM role, pg_namespace n
  WHERE n.oid = current_schema()::regnamespace
  AND NOT rolsuper AND pg_has_role(role.oid, n.nspowner, 'MEMBER')
UNION ALL SELECT 'may make tables in the schema ' || n.nspname FROM role, pg_namespace n
  WHERE n.oid = current_schema()::regnamespace
  AND NOT rolsuper AND has_schema_privilege(role.oid, n.oid, 'CREATE')
UNION ALL SELECT 'is a member of ' || server.rolname FROM role, pg_roles server
  WHERE server.rolname = ANY(%s::name[])
  AND NOT role.rolsuper AND pg_has_role(role.oid, server.oid, 'MEMBER')
"""


def excess(connection: BaseDatabaseWrapper) -> list[str]:
    """Say what the application's role could do to the ledger and must not; nothing if all is well.

    Each is the rest of a sentence about the role.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POWERS, [application(), list(guards.FUNCTIONS), list(_AS_THE_SERVER)])
        powers = [power for (power,) in cursor.fetchall()]
    if powers:  # an owner's and a superuser's rights follow from that
        return powers
    return [
        f"has {right} on {table}"
        for table, right, has in _held(connection)
        if has and right not in rights_on(table)
    ]
