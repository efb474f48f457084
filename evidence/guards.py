"""Triggers that keep rows as they were written, on SQLite and PostgreSQL: files, and sayings."""

from __future__ import annotations

from typing import Any

from django.db import connections

#: Rows of these tables are added, never changed.
NOUNS = (
    "evidencefile",
    "match",
    "person",
    "personfact",
    "statement",
    "mediationstep",
    "statementsegment",
    "segmenttext",
    "identitydocument",
    "claim",
    "claimevidence",
    "assessment",
    "loweringrequest",
    "loweringdecision",
    "hold",
    "holdlift",
    "disposalproposal",
    "disposaldecision",
    "redactionrequest",
    "redactionresult",
    "releaserequest",
    "releasedecision",
    "releaserevocation",
    "releasereceipt",
    "bundleimport",
    "importeditem",
    "exportprofile",
    "embargo",
)
TABLES = tuple(f"evidence_{noun}" for noun in NOUNS)

REFUSAL = "rows of this table are written once"
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION evidence_row_is_written_once() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{REFUSAL}: %', TG_TABLE_NAME; END $$;
"""


def _sqlite(table: str) -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}: {table}'); END"
    when = f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id) {refuse}'  # noqa: S608 - ours
    return [
        f'CREATE TRIGGER IF NOT EXISTS "{table}_no_update" BEFORE UPDATE ON "{table}" {refuse}',
        f'CREATE TRIGGER IF NOT EXISTS "{table}_no_delete" BEFORE DELETE ON "{table}" {refuse}',
        f'CREATE TRIGGER IF NOT EXISTS "{table}_no_replace" BEFORE INSERT ON "{table}" {when}',
    ]


def _postgresql(table: str) -> list[str]:
    statements = []
    each = "FOR EACH STATEMENT EXECUTE FUNCTION evidence_row_is_written_once()"
    for name, events in (("no_change", "UPDATE OR DELETE"), ("no_truncate", "TRUNCATE")):
        statements += [
            f'CREATE OR REPLACE TRIGGER "{table}_{name}" BEFORE {events} ON "{table}" {each}',
            f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{table}_{name}"',
        ]
    return statements


def install(*, using: str = "default", **_: Any) -> None:
    """Put the triggers in place; harmless when they are there or a table is not yet."""
    connection = connections[using]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for table in TABLES:
            if table in there:
                made = _sqlite(table) if connection.vendor == "sqlite" else _postgresql(table)
                for statement in made:
                    cursor.execute(statement)
