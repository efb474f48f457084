"""Triggers that keep rows of evidentiary files as they were written, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.db import connections

TABLE = "evidence_evidencefile"

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS evidence_file_no_update BEFORE UPDATE ON evidence_evidencefile
BEGIN SELECT RAISE(ABORT, 'files of evidence are written once'); END;
CREATE TRIGGER IF NOT EXISTS evidence_file_no_delete BEFORE DELETE ON evidence_evidencefile
BEGIN SELECT RAISE(ABORT, 'files of evidence are written once'); END;
CREATE TRIGGER IF NOT EXISTS evidence_file_no_replace BEFORE INSERT ON evidence_evidencefile
WHEN EXISTS (SELECT 1 FROM evidence_evidencefile WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'files of evidence are written once'); END;
"""
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION evidence_file_is_written_once() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'files of evidence are written once'; END $$;
CREATE OR REPLACE TRIGGER evidence_file_no_change BEFORE UPDATE OR DELETE ON evidence_evidencefile
FOR EACH STATEMENT EXECUTE FUNCTION evidence_file_is_written_once();
CREATE OR REPLACE TRIGGER evidence_file_no_truncate BEFORE TRUNCATE ON evidence_evidencefile
FOR EACH STATEMENT EXECUTE FUNCTION evidence_file_is_written_once();
ALTER TABLE evidence_evidencefile ENABLE ALWAYS TRIGGER evidence_file_no_change;
ALTER TABLE evidence_evidencefile ENABLE ALWAYS TRIGGER evidence_file_no_truncate;
"""


def install(*, using: str = "default", **_: Any) -> None:
    """Put the triggers in place; harmless when they are there or the table is not yet."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return
        if connection.vendor == "sqlite":
            for statement in _SQLITE.split("END;"):
                if statement.strip():
                    cursor.execute(statement + "END;")
        else:
            cursor.execute(_POSTGRESQL)
