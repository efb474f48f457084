"""SQL that reads an entry's columns out of its body, so that what is shown is what was hashed.

Migrations name these classes.  What each one means never changes: a column that must be read in
another way gets a new class.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, CharField, DateTimeField, Field, Func
from django.db.models.sql.compiler import SQLCompiler


class _InBody(Func):
    """A member of the JSON text in ``body``; ``keys`` lead to it from the outermost in."""

    arity = 1
    keys: tuple[str, ...] = ()
    sqlite = "JSON_EXTRACT(%(expressions)s, '$.{path}')"
    postgresql = "((%(expressions)s)::jsonb #>> '{{{path}}}')"

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra_context: Any,
    ) -> tuple[str, tuple[str | int, ...]]:
        if template is None and connection.vendor == "postgresql":
            template = self.postgresql.format(path=",".join(self.keys))
        elif template is None:
            template = self.sqlite.format(path=".".join(self.keys))
        return super().as_sql(compiler, connection, function, template, arg_joiner, **extra_context)


class KindInBody(_InBody):
    keys = ("kind",)
    output_field: Field[Any, Any] = CharField()


class ItemInBody(_InBody):
    keys = ("item",)
    output_field: Field[Any, Any] = CharField()


class ActorInBody(_InBody):
    keys = ("actor",)
    output_field: Field[Any, Any] = CharField()


class CaseInBody(_InBody):
    keys = ("data", "case")
    output_field: Field[Any, Any] = CharField()


class ItemSeqInBody(_InBody):
    keys = ("item_seq",)
    postgresql = "((%(expressions)s)::jsonb #>> '{{{path}}}')::bigint"
    output_field: Field[Any, Any] = BigIntegerField()


class TimeInBody(_InBody):
    """``2026-11-23T06:19:00.123456Z`` as each database keeps a time.

    SQLite: Django's own text form, so that comparisons in SQL are right.  PostgreSQL: put together
    from its parts, because reading a timestamp from text depends on settings of the session, and a
    generated column must not.
    """

    keys = ("time",)
    sqlite = "REPLACE(RTRIM(JSON_EXTRACT(%(expressions)s, '$.{path}'), 'Z'), 'T', ' ')"
    postgresql = (
        "(make_timestamp("
        "substr((%(expressions)s)::jsonb #>> '{{{path}}}', 1, 4)::int, "
        "substr((%(expressions)s)::jsonb #>> '{{{path}}}', 6, 2)::int, "
        "substr((%(expressions)s)::jsonb #>> '{{{path}}}', 9, 2)::int, "
        "substr((%(expressions)s)::jsonb #>> '{{{path}}}', 12, 2)::int, "
        "substr((%(expressions)s)::jsonb #>> '{{{path}}}', 15, 2)::int, "
        "substr((%(expressions)s)::jsonb #>> '{{{path}}}', 18, 9)::double precision"
        ") AT TIME ZONE 'UTC')"
    )
    output_field: Field[Any, Any] = DateTimeField()
