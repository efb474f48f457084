"""What an item is found by: its words, made alike, in one row; what it says, in another."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col

from evidence.models.item import EvidenceItem

TABLE = "evidence_searchtext"
#: What follows a table's name in that of SQLite's index over its words; triggers keep it in step.
FTS = "_fts"
#: PostgreSQL's: the words as they are, for its own parser would take digests for numbers.
VECTOR = "array_to_tsvector(string_to_array({words}, ' '))"


class SearchText(models.Model):
    """The words of one item, with blanks between.  Ids rise in the order in which items came in."""

    id = models.BigAutoField(primary_key=True)
    item = models.OneToOneField(
        EvidenceItem, on_delete=models.PROTECT, related_name="search", editable=False
    )
    words = models.TextField(editable=False)

    def __str__(self) -> str:
        return f"words of {self.item_id}"


class SearchContent(models.Model):
    """The words that are said in an item and of it: found only by who may view it."""

    id = models.BigAutoField(primary_key=True)
    item = models.OneToOneField(
        EvidenceItem, on_delete=models.PROTECT, related_name="search_content", editable=False
    )
    words = models.TextField(editable=False)

    def __str__(self) -> str:
        return f"what {self.item_id} says"


@models.TextField.register_lookup
class Matches(models.Lookup):
    """``words__matches=[(word, is_beginning), …]``: all of them are there; needs the index."""

    lookup_name = "matches"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: BaseDatabaseWrapper) -> Any:  # noqa: ARG002
        return "%s", [value]

    def as_sqlite(self, _compiler: Any, _connection: BaseDatabaseWrapper) -> tuple[str, list[str]]:
        assert isinstance(self.lhs, Col)
        asked = " ".join(f'"{word}"{"*" * beginning}' for word, beginning in self.rhs)
        index = f"{self.lhs.target.model._meta.db_table}{FTS}"  # noqa: SLF001  Django's own way
        found = f"SELECT rowid FROM {index} WHERE {index} MATCH %s"  # noqa: S608 - a table's name
        return f'"{self.lhs.alias}"."id" IN ({found})', [asked]

    def as_postgresql(
        self, _compiler: Any, _connection: BaseDatabaseWrapper
    ) -> tuple[str, list[str]]:
        assert isinstance(self.lhs, Col)
        asked = " & ".join(f"'{word}'{':*' * beginning}" for word, beginning in self.rhs)
        vector = VECTOR.format(words=f'"{self.lhs.alias}"."words"')
        return f"{vector} @@ %s::tsquery", [asked]


@models.UUIDField.register_lookup
class Among(models.Lookup):
    """``pk__among=[…]``: one of many ids, sent as one value; thousands are slow to write out."""

    lookup_name = "among"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: BaseDatabaseWrapper) -> Any:  # noqa: ARG002
        return "%s", [value]

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        column, values = self.process_lhs(compiler, connection)
        ids = json.dumps([one.hex for one in self.rhs])
        asked = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column's name
        return asked, [*values, ids]

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        column, values = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::uuid[])", [*values, list(self.rhs)]
