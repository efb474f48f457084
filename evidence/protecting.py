"""Names that must not be read in the database, nor in any copy of it, are enciphered there."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

from archive import data_keys
from evidence.models.agent import Agent
from evidence.models.source import Source


def encipher_what_is_in_clear(*, using: str, **_: Any) -> None:
    """No protected name is kept in clear, as all of them were before there were data keys.

    For after a migrate.  All of them or none.
    """
    tables = connections[using].introspection.table_names()
    agents = Agent.objects.using(using).filter(is_protected=True)
    sources = Source.objects.using(using).filter(confidential=True)
    with transaction.atomic(using=using):
        clear: list[Agent | Source] = []
        if Agent._meta.db_table in tables:  # noqa: SLF001  Django's own way to ask
            clear += agents.exclude(label__startswith="sealed:")
        if Source._meta.db_table in tables:  # noqa: SLF001
            clear += sources.exclude(name__startswith="sealed:")
        for row in clear:
            data_keys.create()
            row.save(using=using)
